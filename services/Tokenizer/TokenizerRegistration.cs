namespace Parley.Tokenizer;

/// <summary>The service at a glance: what it registers, in the order of the flow, and what it maps.</summary>
public static class TokenizerRegistration
{
    /// <summary>Adds the service.</summary>
    public static WebApplicationBuilder AddTokenizer(this WebApplicationBuilder builder) => builder;

    /// <summary>Maps its endpoints.</summary>
    public static WebApplication MapTokenizer(this WebApplication app) => app;
}
