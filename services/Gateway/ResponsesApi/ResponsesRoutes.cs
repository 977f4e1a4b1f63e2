using Parley.Gateway.OpenAi;

namespace Parley.Gateway.ResponsesApi;

/// <summary>The routes under <c>/v1/responses</c>.</summary>
internal static class ResponsesRoutes
{
    private const string Root = "/v1/responses";

    public static void Map(WebApplication app)
    {
        OpenAiRoutes.Map(app, Root, (HttpMethods.Post,
            OpenAiRoutes.Endpoint<ResponsesEndpoint>((responses, context) => responses.HandleAsync(context))));
        OpenAiRoutes.Map(app, Root + "/input_tokens", (HttpMethods.Post,
            OpenAiRoutes.Endpoint<ResponsesEndpoint>((responses, context) => responses.CountAsync(context))));
        OpenAiRoutes.Map(app, Root + "/compact", (HttpMethods.Post,
            OpenAiRoutes.Endpoint<CompactEndpoint>((compaction, context) => compaction.HandleAsync(context))));
        OpenAiRoutes.Map(app, Root + "/{id}",
            (HttpMethods.Get, OpenAiRoutes.Endpoint<KeptResponsesEndpoint>((kept, context) => kept.GetAsync(context))),
            (HttpMethods.Delete, OpenAiRoutes.Endpoint<KeptResponsesEndpoint>((kept, context) => kept.DeleteAsync(context))));
        OpenAiRoutes.Map(app, Root + "/{id}/input_items", (HttpMethods.Get,
            OpenAiRoutes.Endpoint<KeptResponsesEndpoint>((kept, context) => kept.ListItemsAsync(context))));
        OpenAiRoutes.Map(app, Root + "/{id}/cancel", (HttpMethods.Post,
            OpenAiRoutes.Endpoint<KeptResponsesEndpoint>((kept, context) => kept.CancelAsync(context))));
    }
}
