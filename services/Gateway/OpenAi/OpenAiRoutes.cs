using Microsoft.Extensions.Options;

namespace Parley.Gateway.OpenAi;

/// <summary>The routes under <c>/v1</c>, each answering in OpenAI's shape whatever happens.</summary>
internal static class OpenAiRoutes
{
    private const string Root = "/v1";

    public static void MapOpenAi(this WebApplication app)
    {
        Map(app, Root + "/chat/completions", (HttpMethods.Post, Endpoint<ChatCompletionsEndpoint>(
            (chat, context) => chat.HandleAsync(context))));
        MapRead(app, Root + "/models", Endpoint<ModelsEndpoint>((models, context) => models.ListAsync(context)));
        MapRead(app, Root + "/models/{**id}", Endpoint<ModelsEndpoint>((models, context) => models.GetAsync(context)));
        Map(app, Root + "/embeddings", (HttpMethods.Post, _ => throw new OpenAiException(OpenAiError.Invalid(
            "This server gives no embeddings: the model that it serves writes text. A server of an embedding model is needed for them.",
            code: "unsupported_endpoint"))));
        var guard = Guard(app);
        app.MapFallback(Root + "/{**path}", guard.Wrap(context => throw new OpenAiException(BaseUrlHint.For(context.Request))));
        app.MapFallback("/{**path}", guard.Wrap(context => throw new OpenAiException(BaseUrlHint.For(context.Request))))
            .AllowAnonymous();
    }

    /// <summary>The endpoint is made at its first request, when the options have been checked.</summary>
    public static RequestDelegate Endpoint<T>(Func<T, HttpContext, Task> handle)
        where T : notnull => context => handle(context.RequestServices.GetRequiredService<T>(), context);

    /// <summary>A route by its methods, and beside them the answer to every other one.</summary>
    public static void Map(WebApplication app, string pattern, params (string Method, RequestDelegate Handle)[] handlers)
    {
        var guard = Guard(app);
        foreach (var (method, handle) in handlers)
            app.MapMethods(pattern, [method], guard.Wrap(handle));
        var allowed = string.Join(", ", handlers.Select(handler => handler.Method));
        app.Map(pattern, guard.Wrap(context =>
        {
            context.Response.Headers.Allow = allowed;
            throw new OpenAiException(new OpenAiError(
                StatusCodes.Status405MethodNotAllowed, "invalid_request_error", ErrorCodes.MethodNotAllowed, null,
                $"{context.Request.Path} takes {allowed}, not {context.Request.Method}."));
        }));
    }

    /// <summary>A route that is read: HEAD answers as GET does, without its body, which the server leaves out.</summary>
    private static void MapRead(WebApplication app, string pattern, RequestDelegate handle) =>
        Map(app, pattern, (HttpMethods.Get, handle), (HttpMethods.Head, handle));

    private static OpenAiGuard Guard(WebApplication app) => new(
        app.Services.GetRequiredService<ILogger<OpenAiGuard>>(), app.Services.GetRequiredService<IOptions<GatewayOptions>>(),
        app.Services.GetRequiredService<TimeProvider>());
}
