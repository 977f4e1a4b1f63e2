namespace Parley.Gateway;

/// <summary>The service at a glance: what it registers, in the order of the flow, and what it maps.</summary>
public static class GatewayRegistration
{
    /// <summary>Adds the service.</summary>
    public static WebApplicationBuilder AddGateway(this WebApplicationBuilder builder) => builder;

    /// <summary>Maps its endpoints.</summary>
    public static WebApplication MapGateway(this WebApplication app) => app;
}
