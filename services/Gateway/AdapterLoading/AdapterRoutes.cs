using Parley.Gateway.OpenAi;

namespace Parley.Gateway.AdapterLoading;

/// <summary>The routes by which adapters come and go, as vLLM names them.</summary>
internal static class AdapterRoutes
{
    public static void MapAdapterLoading(this WebApplication app)
    {
        OpenAiRoutes.Map(app, "/v1/load_lora_adapter", (HttpMethods.Post, OpenAiRoutes.Endpoint<AdaptersEndpoint>(
            (adapters, context) => adapters.LoadAsync(context))));
        OpenAiRoutes.Map(app, "/v1/unload_lora_adapter", (HttpMethods.Post, OpenAiRoutes.Endpoint<AdaptersEndpoint>(
            (adapters, context) => adapters.UnloadAsync(context))));
    }
}
