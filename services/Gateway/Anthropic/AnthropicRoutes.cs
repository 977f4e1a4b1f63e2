using Microsoft.Extensions.Options;
using Parley.Gateway.Limits;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.Anthropic;

/// <summary>
/// Anthropic's routes: its messages, and its view of addresses that OpenAI has as well, for those who send <c>anthropic-version</c>.
/// </summary>
internal static class AnthropicRoutes
{
    public static void MapAnthropic(this WebApplication app)
    {
        var guard = new OpenAiGuard(
            app.Services.GetRequiredService<ILogger<OpenAiGuard>>(), app.Services.GetRequiredService<IOptions<GatewayOptions>>(),
            app.Services.GetRequiredService<TimeProvider>());
        Map(app, guard, "/v1/messages", Endpoint<MessagesEndpoint>((messages, context) => messages.HandleAsync(context)));
        Map(app, guard, "/v1/messages/count_tokens", Endpoint<MessagesEndpoint>((messages, context) => messages.CountAsync(context)));
        Bind(app.MapGet("/v1/models", guard.Wrap(Endpoint<AnthropicModelsEndpoint>((models, context) => models.ListAsync(context)))));
        Bind(app.MapGet("/v1/models/{**id}", guard.Wrap(Endpoint<AnthropicModelsEndpoint>((models, context) => models.GetAsync(context)))));
        Bind(app.Map("/v1/{**path}", guard.Wrap(NotHere)), int.MaxValue - 1);
    }

    /// <summary>The endpoint is made at its first request, when the options have been checked.</summary>
    private static RequestDelegate Endpoint<T>(Func<T, HttpContext, Task> handle)
        where T : notnull => context =>
        {
            var services = context.RequestServices;
            context.Response.Headers[AnthropicErrors.RequestIdHeader] = context.TraceIdentifier;
            RemainingHeaders.Tell(
                context.Response, services.GetRequiredService<Callers>().Current, services.GetRequiredService<TimeProvider>());
            return handle(services.GetRequiredService<T>(), context);
        };

    private static Task NotHere(HttpContext context) => throw new OpenAiException(BaseUrlHint.For(context.Request));

    /// <summary>A route that takes POST, and beside it the answer to every other method.</summary>
    private static void Map(WebApplication app, OpenAiGuard guard, string pattern, RequestDelegate handle)
    {
        app.MapPost(pattern, guard.Wrap(handle)).WithMetadata(AnthropicErrors.Shape);
        app.Map(pattern, guard.Wrap(context =>
        {
            context.Response.Headers.Allow = HttpMethods.Post;
            throw new OpenAiException(new OpenAiError(
                StatusCodes.Status405MethodNotAllowed, "invalid_request_error", ErrorCodes.MethodNotAllowed, null,
                $"{context.Request.Path} takes {HttpMethods.Post}, not {context.Request.Method}."));
        })).WithMetadata(AnthropicErrors.Shape);
    }

    /// <summary>Before the endpoint that is at the same address for everyone.</summary>
    private static void Bind(IEndpointConventionBuilder endpoint, int order = -1) => endpoint
        .WithMetadata(AnthropicErrors.Shape, new VersionHeaderPolicy.Mark())
        .Add(builder => ((RouteEndpointBuilder)builder).Order = order);
}
