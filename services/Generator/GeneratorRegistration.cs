namespace Parley.Generator;

/// <summary>The service at a glance: what it registers, in the order of the flow, and what it maps.</summary>
public static class GeneratorRegistration
{
    /// <summary>Adds the service.</summary>
    public static WebApplicationBuilder AddGenerator(this WebApplicationBuilder builder) => builder;

    /// <summary>Maps its endpoints.</summary>
    public static WebApplication MapGenerator(this WebApplication app) => app;
}
