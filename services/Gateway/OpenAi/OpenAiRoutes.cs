using Microsoft.Extensions.Options;

namespace Parley.Gateway.OpenAi;

/// <summary>The routes under <c>/v1</c>, each answering in OpenAI's shape whatever happens.</summary>
internal static class OpenAiRoutes
{
    private const string Root = "/v1";

    public static void MapOpenAi(this WebApplication app)
    {
        var guard = new OpenAiGuard(
            app.Services.GetRequiredService<ILogger<OpenAiGuard>>(), app.Services.GetRequiredService<IOptions<GatewayOptions>>(),
            app.Services.GetRequiredService<TimeProvider>());
        Map(app, guard, "/v1/chat/completions", HttpMethods.Post, Endpoint<ChatCompletionsEndpoint>(
            (chat, context) => chat.HandleAsync(context)));
        Map(app, guard, "/v1/models", HttpMethods.Get, Endpoint<ModelsEndpoint>((models, context) => models.ListAsync(context)));
        Map(app, guard, "/v1/models/{**id}", HttpMethods.Get, Endpoint<ModelsEndpoint>((models, context) => models.GetAsync(context)));
        app.MapFallback(Root + "/{**path}", guard.Wrap(context => throw new OpenAiException(BaseUrlHint.For(context.Request))));
        app.MapFallback("/{**path}", guard.Wrap(context => throw new OpenAiException(BaseUrlHint.For(context.Request))))
            .AllowAnonymous();
    }

    /// <summary>The endpoint is made at its first request, when the options have been checked.</summary>
    private static RequestDelegate Endpoint<T>(Func<T, HttpContext, Task> handle)
        where T : notnull => context => handle(context.RequestServices.GetRequiredService<T>(), context);

    /// <summary>The route, and beside it the answer to every other method.</summary>
    private static void Map(WebApplication app, OpenAiGuard guard, string pattern, string method, RequestDelegate handle)
    {
        app.MapMethods(pattern, [method], guard.Wrap(handle));
        app.Map(pattern, guard.Wrap(context =>
        {
            context.Response.Headers.Allow = method;
            throw new OpenAiException(new OpenAiError(
                StatusCodes.Status405MethodNotAllowed, "invalid_request_error", ErrorCodes.MethodNotAllowed, null,
                $"{context.Request.Path} takes {method}, not {context.Request.Method}."));
        }));
    }
}
