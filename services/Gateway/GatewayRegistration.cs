using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Parley.Gateway.Chat;
using Parley.Gateway.Limits;
using Parley.Gateway.OpenAi;
using Parley.Gateway.Upstream;
using Parley.ServiceDefaults;

namespace Parley.Gateway;

/// <summary>The service at a glance: what it registers, in the order of the flow, and what it maps.</summary>
public static class GatewayRegistration
{
    /// <summary>Adds the service; its settings are the configuration section <c>Gateway</c>.</summary>
    public static WebApplicationBuilder AddGateway(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var services = builder.Services;
        services.AddOptions<GatewayOptions>().BindConfiguration(GatewayOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<GatewayOptions>, GatewayOptionsValidator>();
        services.AddSingleton<IValidateOptions<GatewayOptions>, GatewayOptionsRules>();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<GatewayTelemetry>();

        // the edges
        services.AddSingleton<ChatCompletionsEndpoint>();
        services.AddSingleton<ModelsEndpoint>();

        // (1) accept
        services.AddSingleton<ChatPipeline>();
        services.AddSingleton<ChatRequestValidator>();
        services.AddSingleton<RequestPermits>();

        // (2, 3, 10) the Tokenizer and (4 to 9) the Generator
        services.TryAddSingleton<UpstreamChannelFactory>(GrpcClientDefaults.CreateChannel);
        services.AddSingleton<UpstreamChannels>();
        services.AddSingleton<UpstreamPairing>();
        services.AddSingleton<DetokenizeCalls>();
        services.AddSingleton<TokenizerClient>();
        services.AddSingleton<GeneratorClient>();

        // Readiness only: a Gateway whose services are away must not be restarted. UpstreamPairing logs when that changes.
        services.AddHealthChecks().AddCheck<UpstreamHealthCheck>("upstream");
        return builder;
    }

    /// <summary>Maps its endpoints: gRPC and gRPC-Web, the OpenAI routes under <c>/v1</c>, and the page.</summary>
    public static WebApplication MapGateway(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.UseGrpcWeb(new GrpcWebOptions { DefaultEnabled = true });
        app.MapGrpcService<ChatCompletionService>();
        app.MapOpenAi();
        PageEndpoint.Map(app);
        return app;
    }
}
