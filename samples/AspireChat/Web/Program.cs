using Microsoft.Extensions.AI;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using Parley.Client;

const int TurnsMax = 100;
const int CharactersMax = 20_000;

var builder = WebApplication.CreateBuilder(args);
builder.AddParleyChatClient("chat");
var telemetry = builder.Services.AddOpenTelemetry()
    .WithLogging()
    .WithTracing(tracing => tracing.AddAspNetCoreInstrumentation())
    .WithMetrics(metrics => metrics.AddAspNetCoreInstrumentation());
if (builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"] is { Length: > 0 })
    telemetry.UseOtlpExporter();
var app = builder.Build();
app.UseDefaultFiles();
app.UseStaticFiles();
app.MapHealthChecks("/health");
app.MapPost("/api/chat", async (Turn[] turns, IChatClient chat, HttpContext context) =>
{
    if (turns.Length is 0 or > TurnsMax || turns.Any(turn => turn.Text is not { Length: > 0 and <= CharactersMax }))
    {
        context.Response.StatusCode = StatusCodes.Status400BadRequest;
        await context.Response.WriteAsync($"A chat has 1 to {TurnsMax} turns of 1 to {CharactersMax} characters.");
        return;
    }

    context.Response.ContentType = "text/plain; charset=utf-8";
    try
    {
        var messages = turns.Select(turn => new ChatMessage(turn.IsUser ? ChatRole.User : ChatRole.Assistant, turn.Text));
        await foreach (var update in chat.GetStreamingResponseAsync(messages, cancellationToken: context.RequestAborted))
        {
            await context.Response.WriteAsync(update.Text, context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
        }
    }
    catch (ParleyException exception) when (!context.Response.HasStarted)
    {
        context.Response.StatusCode = exception is ParleyRequestException
            ? StatusCodes.Status400BadRequest : StatusCodes.Status503ServiceUnavailable;
        await context.Response.WriteAsync(exception.Message);
    }
});
await app.RunAsync();

/// <summary>What one side said.</summary>
internal sealed record Turn(bool IsUser, string? Text);
