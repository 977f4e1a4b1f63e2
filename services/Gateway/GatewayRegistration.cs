using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.StackExchangeRedis;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Parley.Gateway.Access;
using Parley.Gateway.AdapterLoading;
using Parley.Gateway.Anthropic;
using Parley.Gateway.ApiDescription;
using Parley.Gateway.Chat;
using Parley.Gateway.Completions;
using Parley.Gateway.KeptResponses;
using Parley.Gateway.Limits;
using Parley.Gateway.Ollama;
using Parley.Gateway.OpenAi;
using Parley.Gateway.ResponsesApi;
using Parley.Gateway.Tokens;
using Parley.Gateway.Upstream;
using Parley.ServiceDefaults;
using Parley.ServiceDefaults.Settings;
using StackExchange.Redis;

namespace Parley.Gateway;

/// <summary>The service at a glance: what it registers, in the order of the flow, and what it maps.</summary>
public static class GatewayRegistration
{
    /// <summary>Adds the service; its settings are the configuration section <c>Gateway</c>.</summary>
    public static WebApplicationBuilder AddGateway(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var services = builder.Services;
        services.AddSettings<GatewayOptions>(GatewayOptions.Section).PostConfigure<IConfiguration>(ReadLooseSettings);
        services.AddSingleton<IValidateOptions<GatewayOptions>, GatewayOptionsRules>();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<GatewayTelemetry>();

        // who may come in, and from where
        services.AddSingleton<ApiKeys>();
        services.AddHostedService(provider => provider.GetRequiredService<ApiKeys>());
        services.TryAddSingleton(provider => OidcTokens.Documents(provider.GetRequiredService<IOptions<GatewayOptions>>()));
        services.AddSingleton<OidcTokens>();
        services.AddSingleton<AccessGate>();
        services.AddSingleton<IConfigureOptions<KestrelServerOptions>, ConnectionLimits>();
        ListenGuard.AddTo(services);
        Cors.AddTo(services);

        // the edges
        services.AddSingleton<ChatCompletionsEndpoint>();
        services.AddSingleton<ModelsEndpoint>();
        services.AddSingleton<AdaptersEndpoint>();
        services.AddSingleton<CompletionsEndpoint>();
        services.AddSingleton<MessagesEndpoint>();
        services.AddSingleton<AnthropicModelsEndpoint>();
        services.AddSingleton<MatcherPolicy, VersionHeaderPolicy>();
        services.AddSingleton<OllamaEndpoint>();
        services.AddSingleton<ModelInfoEndpoint>();
        services.AddSingleton(provider => new PullEndpoint(
            provider.GetRequiredService<ApiKeys>(), provider.GetRequiredService<WriteLimit>(),
            provider.GetRequiredService<IOptions<GatewayOptions>>(), provider.GetRequiredService<TimeProvider>(),
            provider.GetService<IModelPull>()));
        services.AddSingleton<ResponseRequests>();
        services.AddSingleton<ResponsesEndpoint>();
        services.AddSingleton<CompactEndpoint>();
        services.AddSingleton<KeptResponsesEndpoint>();
        services.AddSingleton<TokensEndpoint>();
        services.AddSingleton<ApiDocumentEndpoint>();
        services.AddSingleton<ResponseStore>();
        services.AddSingleton<RunningResponses>();
        services.TryAddSingleton<IDistributedCache>(MakeCache);

        // (1) accept
        services.AddSingleton<ChatPipeline>();
        services.AddSingleton<ChatRequestValidator>();
        services.AddSingleton<Callers>();
        services.AddSingleton<RequestPermits>();
        services.AddSingleton<WriteLimit>();

        // (2, 3, 10) the Tokenizer and (4 to 9) the Generator
        services.TryAddSingleton<UpstreamChannelFactory>(GrpcClientDefaults.CreateChannel);
        services.AddSingleton<UpstreamChannels>();
        services.AddSingleton<UpstreamPairing>();
        services.AddSingleton<DetokenizeCalls>();
        services.AddSingleton<TokenizerClient>();
        services.AddSingleton<GeneratorFleet>();
        services.AddSingleton<GenerationStreams>();
        services.TryAddSingleton<HostLookup>(Dns.GetHostAddressesAsync);
        services.AddHostedService<GeneratorWatch>();

        // Readiness only: a Gateway whose services are away must not be restarted. UpstreamPairing logs when that changes.
        services.AddHealthChecks().AddCheck<UpstreamHealthCheck>("upstream")
            .AddCheck<KeyFileHealthCheck>("keys");
        return builder;
    }

    /// <summary>Whether a running Gateway asks its callers for a key.</summary>
    public static bool NeedsKey(IServiceProvider services) => services.GetRequiredService<ApiKeys>().AreNeeded;

    /// <summary>Why a Gateway of this configuration would not listen on an endpoint, for hosts that ask early; null if it would.</summary>
    public static string? ListenFault(IConfiguration configuration, EndPoint endpoint)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var options = new GatewayOptions();
        configuration.GetSection(GatewayOptions.Section).Bind(options);
        ReadLooseSettings(options, configuration);
        var faults = new List<string>();
        var keys = KeyRingReader.Read(options, faults);
        var hasKeys = keys.Count > 0 || options.Oidc.Authority.Length > 0;
        return faults.Count > 0 ? faults[0] : ListenGuard.Fault(endpoint, hasKeys, options.AllowAnonymous);
    }

    /// <summary>
    /// Maps its endpoints: gRPC and gRPC-Web, OpenAI's and Anthropic's routes under <c>/v1</c>, Ollama's under <c>/api</c>, their
    /// description and the pages.
    /// </summary>
    public static WebApplication MapGateway(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        Cors.Use(app);
        app.UseGrpcWeb(new GrpcWebOptions { DefaultEnabled = true });
        app.Use((context, next) => context.RequestServices.GetRequiredService<AccessGate>().RunAsync(context, next));
        app.MapGrpcService<ChatCompletionService>();
        app.MapOpenAi();
        app.MapAdapterLoading();
        CompletionsEndpoint.Map(app);
        app.MapAnthropic();
        app.MapOllama();
        ResponsesRoutes.Map(app);
        TokensEndpoint.Map(app);
        ApiDocumentEndpoint.Map(app);
        PageEndpoint.Map(app);
        return app;
    }

    private static IDistributedCache MakeCache(IServiceProvider provider)
    {
        var options = provider.GetRequiredService<IOptions<GatewayOptions>>();
        if (options.Value.ResponseStore.Redis is not { Length: > 0 } redis)
            return new BoundedCache(options, provider.GetRequiredService<TimeProvider>());
        var configuration = ConfigurationOptions.Parse(redis);
        // A Redis that is down is asked for in the background, and no answer waits for it in the meantime.
        configuration.AbortOnConnectFail = false;
        configuration.BacklogPolicy = BacklogPolicy.FailFast;
        return new RedisCache(Options.Create(new RedisCacheOptions { ConfigurationOptions = configuration }));
    }

    /// <summary>The key's variable, and a list of origins written as one text.</summary>
    private static void ReadLooseSettings(GatewayOptions options, IConfiguration configuration)
    {
        // A settings file may hold null for what is not set.
        (options.ApiKeyFile, options.ModelName) = (options.ApiKeyFile ?? "", options.ModelName ?? "");
        var oidc = options.Oidc;
        (oidc.Authority, oidc.Audience) = (oidc.Authority ?? "", oidc.Audience ?? "");
        (oidc.RequiredScope, oidc.LimitsClaim) = (oidc.RequiredScope ?? "", oidc.LimitsClaim ?? "");
        oidc.NameClaim ??= "";
        options.ResponseStore.Redis ??= "";
        if (string.IsNullOrEmpty(options.ApiKey))
            options.ApiKey = configuration[ApiKeys.Variable] ?? "";
        var origins = configuration[$"{GatewayOptions.Section}:{nameof(GatewayOptions.CorsOrigins)}"] ?? "";
        foreach (var origin in origins.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            options.CorsOrigins.Add(origin);
    }
}
