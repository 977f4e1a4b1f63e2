using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.Extensions.Options;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.Access;

/// <summary>Pages of which other origins may call the Gateway: those of <c>Gateway:CorsOrigins</c>, none by default.</summary>
internal static class Cors
{
    public const string Everyone = "*";

    /// <summary>What a script may read of an answer beyond its body: those of the clients of each protocol and of gRPC-Web.</summary>
    private static readonly string[] ExposedHeaders =
    [
        "x-request-id", "request-id", "retry-after", "retry-after-ms", "x-should-retry", "x-parley-ignored-fields", "www-authenticate",
        "grpc-status", "grpc-message", "grpc-status-details-bin", "grpc-encoding", "grpc-accept-encoding", .. RateHeaders.Names,
        "x-parley-unasserted-formats", "x-parley-dropped-messages", "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset", "anthropic-ratelimit-tokens-limit",
        "anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset",
    ];

    public static void AddTo(IServiceCollection services)
    {
        services.AddCors();
        services.AddOptions<CorsOptions>().Configure<IOptions<GatewayOptions>>((cors, gateway) => cors.AddDefaultPolicy(policy =>
        {
            // Keys go in a header that scripts set themselves, so no cookie is ever asked for, and "*" is what it says.
            policy.WithMethods(HttpMethods.Get, HttpMethods.Head, HttpMethods.Post, HttpMethods.Delete).AllowAnyHeader()
                .WithExposedHeaders(ExposedHeaders).SetPreflightMaxAge(TimeSpan.FromHours(1));
            if (gateway.Value.CorsOrigins.Contains(Everyone))
                policy.AllowAnyOrigin();
            else
                policy.WithOrigins([.. gateway.Value.CorsOrigins]);
        }));
    }

    public static void Use(WebApplication app)
    {
        app.Use(RefuseAsync);
        app.UseCors();
    }

    /// <summary>Why an entry is no origin; null for one that is.</summary>
    public static string? Fault(string origin)
    {
        if (origin is Everyone or "null")
            return null;
        return Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.Host.Length > 0
            && uri.GetLeftPart(UriPartial.Authority).Equals(origin, StringComparison.OrdinalIgnoreCase)
            ? null
            : $"Gateway:CorsOrigins: '{origin}' is no origin; give scheme, host and port, e.g. https://chat.example.com, or {Everyone}.";
    }

    /// <summary>A browser that asks first is told no with a reason, where it would otherwise miss a header.</summary>
    private static async Task RefuseAsync(HttpContext context, RequestDelegate next)
    {
        var origin = context.Request.Headers.Origin.ToString();
        var isPreflight = HttpMethods.IsOptions(context.Request.Method) && origin.Length > 0
            && context.Request.Headers.AccessControlRequestMethod.Count > 0;
        var options = context.RequestServices.GetRequiredService<IOptions<CorsOptions>>().Value;
        var policy = options.GetPolicy(options.DefaultPolicyName)!;
        if (!isPreflight || policy.AllowAnyOrigin || policy.IsOriginAllowed(origin))
        {
            await next(context);
            return;
        }

        await new OpenAiError(StatusCodes.Status403Forbidden, "invalid_request_error", "origin_not_allowed", null,
            "Pages of this origin may not call this server; Gateway:CorsOrigins lists those that may.").WriteAsync(context);
    }
}
