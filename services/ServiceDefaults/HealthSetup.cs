using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Parley.ServiceDefaults;

/// <summary>
/// <c>grpc.health.v1</c>: the empty service name and <c>readiness</c> need every check, <c>liveness</c> only those tagged <c>live</c>.
/// The same over HTTP, for probes that speak nothing else: <c>/health</c> and <c>/health/live</c>. What a check says of itself is told
/// there, so a description holds no address of ours. These endpoints are for everyone (<c>IAllowAnonymous</c>), keys or not.
/// </summary>
public static class HealthSetup
{
    /// <summary>Tag of the checks whose failure means that the process must be restarted.</summary>
    public const string LiveTag = "live";

    internal const string ReadyPath = "/health";
    internal const string LivePath = "/health/live";

    internal static void AddParleyHealth(this IServiceCollection services)
    {
        services.AddGrpcHealthChecks(options =>
        {
            // Evaluated at each call: a probe must not read what was true half a minute ago.
            options.UseHealthChecksCache = false;
            options.Services.Map("readiness", _ => true);
            options.Services.Map("liveness", check => check.Tags.Contains(LiveTag));
        });
        // A process that answers at all is alive; a service with more to say of its life adds checks with this tag.
        services.AddHealthChecks().AddCheck("process", () => HealthCheckResult.Healthy(), [LiveTag]);

        // The framework logs a check's "not yet" as an error at each look; what it reports is logged once, where it happens.
        services.AddLogging(logging => logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None));
        services.Configure<HealthCheckPublisherOptions>(options =>
        {
            // Watch streams are fed by the publisher, whose defaults are a first look after 5 s and then every 30 s.
            options.Delay = TimeSpan.Zero;
            options.Period = TimeSpan.FromSeconds(1);
        });
    }

    internal static void MapParleyHealth(this WebApplication app)
    {
        app.MapGrpcHealthChecksService().AllowAnonymous();
        string[] methods = [HttpMethods.Get, HttpMethods.Head];
        app.MapMethods(ReadyPath, methods, context => AnswerAsync(context, "ready", _ => true)).AllowAnonymous();
        app.MapMethods(LivePath, methods, context => AnswerAsync(context, "live", check => check.Tags.Contains(LiveTag)))
            .AllowAnonymous();
    }

    private static async Task AnswerAsync(HttpContext context, string good, Func<HealthCheckRegistration, bool> which)
    {
        var health = context.RequestServices.GetRequiredService<HealthCheckService>();
        var report = await health.CheckHealthAsync(which, context.RequestAborted);
        var faults = report.Entries.Where(entry => entry.Value.Status != HealthStatus.Healthy)
            .Select(entry => entry.Value.Description ?? $"{entry.Key} is not well.");
        // Degraded serves on: what is amiss is told beside, and probes do not take the process out.
        var isGood = report.Status != HealthStatus.Unhealthy;
        context.Response.StatusCode = isGood ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.Headers.CacheControl = "no-store";
        if (HttpMethods.IsHead(context.Request.Method))
            return;
        using (var json = new Utf8JsonWriter(context.Response.BodyWriter))
        {
            json.WriteStartObject();
            json.WriteString("status", isGood ? good : $"not {good}");
            if (report.Status != HealthStatus.Healthy)
                json.WriteString("reason", string.Join(" ", faults));
            json.WriteEndObject();
        }

        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
    }
}
