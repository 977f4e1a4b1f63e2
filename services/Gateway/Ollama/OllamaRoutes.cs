using Microsoft.Extensions.Options;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.Ollama;

/// <summary>Ollama's routes under <c>/api</c>, each answering in its shape whatever happens.</summary>
internal static class OllamaRoutes
{
    private const string Root = "/api";
    private const string OneModel = "One model is served here, chosen when the server starts: ";

    /// <summary>Routes that are there to be refused, and why.</summary>
    private static readonly (string Path, string Method, string Reason)[] Refused =
    [
        ("/embed", HttpMethods.Post, "This server gives no embeddings: the model that it serves writes text."),
        ("/embeddings", HttpMethods.Post, "This server gives no embeddings: the model that it serves writes text."),
        ("/create", HttpMethods.Post, OneModel + "none can be created. `parley import` makes a package of a model."),
        ("/copy", HttpMethods.Post, OneModel + "it gets further names by Gateway:ModelName."),
        ("/delete", HttpMethods.Delete, OneModel + "it cannot be deleted. `parley models` takes away what lies on the disk."),
        ("/push", HttpMethods.Post, OneModel + "none is published."),
        ("/blobs/{digest}", HttpMethods.Post, OneModel + "files of others are not taken."),
        ("/blobs/{digest}", HttpMethods.Head, OneModel + "files of others are not taken."),
    ];

    public static void MapOllama(this WebApplication app)
    {
        var guard = new OpenAiGuard(
            app.Services.GetRequiredService<ILogger<OpenAiGuard>>(), app.Services.GetRequiredService<IOptions<GatewayOptions>>(),
            app.Services.GetRequiredService<TimeProvider>());
        Map(app, guard, "/chat", [HttpMethods.Post], OpenAiRoutes.Endpoint<OllamaEndpoint>((api, context) => api.ChatAsync(context)));
        Map(app, guard, "/generate", [HttpMethods.Post],
            OpenAiRoutes.Endpoint<OllamaEndpoint>((api, context) => api.GenerateAsync(context)));
        string[] read = [HttpMethods.Get, HttpMethods.Head];
        Map(app, guard, "/tags", read, OpenAiRoutes.Endpoint<ModelInfoEndpoint>((models, context) => models.ListAsync(context)));
        Map(app, guard, "/ps", read, OpenAiRoutes.Endpoint<ModelInfoEndpoint>((models, context) => models.LoadedAsync(context)));
        Map(app, guard, "/version", read, ModelInfoEndpoint.VersionAsync);
        Map(app, guard, "/show", [HttpMethods.Post],
            OpenAiRoutes.Endpoint<ModelInfoEndpoint>((models, context) => models.ShowAsync(context)));
        Map(app, guard, "/pull", [HttpMethods.Post], OpenAiRoutes.Endpoint<PullEndpoint>((pull, context) => pull.HandleAsync(context)));
        foreach (var route in Refused.GroupBy(one => one.Path))
        {
            Map(app, guard, route.Key, [.. route.Select(one => one.Method)], context => throw OllamaErrors.Refusal(route.First().Reason));
        }

        app.MapFallback(Root + "/{name}", guard.Wrap(context => throw new OpenAiException(BaseUrlHint.For(context.Request))))
            .WithMetadata(OllamaErrors.Shape);
    }

    /// <summary>A route by its methods, and beside them the answer to every other one.</summary>
    private static void Map(WebApplication app, OpenAiGuard guard, string path, string[] methods, RequestDelegate handle)
    {
        app.MapMethods(Root + path, methods, guard.Wrap(handle)).WithMetadata(OllamaErrors.Shape);
        var allowed = string.Join(", ", methods);
        app.Map(Root + path, guard.Wrap(context =>
        {
            context.Response.Headers.Allow = allowed;
            throw OllamaErrors.Refusal(
                $"{context.Request.Path} takes {allowed}, not {context.Request.Method}.", StatusCodes.Status405MethodNotAllowed);
        })).WithMetadata(OllamaErrors.Shape);
    }
}
