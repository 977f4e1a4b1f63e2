using System.Text.Json;
using Parley.Gateway.Chat;
using Parley.Gateway.KeptResponses;
using Parley.Gateway.Limits;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.ResponsesApi;

/// <summary>What a request means of responses before it: the conversation that one left, and items that it refers to.</summary>
internal sealed class EarlierItems(ResponseStore store, Callers callers)
{
    private const int ResponsesMax = 8;

    private static readonly Dictionary<string, ResponseItem> None = [];

    /// <summary>The conversation up to and with the answer of <c>previous_response_id</c>; empty where none is named.</summary>
    /// <exception cref="OpenAiException">404: it is not kept.</exception>
    public async Task<IReadOnlyList<ResponseItem>> BeforeAsync(JsonElement body, CancellationToken cancellationToken)
    {
        if (body.ValueKind != JsonValueKind.Object || !body.TryGetProperty("previous_response_id", out var named)
            || named.ValueKind != JsonValueKind.String || named.GetString() is not { Length: > 0 } id)
            return [];
        using var entry = ItemIds.IsResponse(id) ? await store.FindAsync(id, callers.Current.Name, cancellationToken) : null;
        if (entry is not null)
            return ItemsOf(entry, id);
        throw new OpenAiException(new OpenAiError(
            StatusCodes.Status404NotFound, "invalid_request_error", "previous_response_not_found", "previous_response_id",
            $"The response before, '{BoundedText.Cut(id, 80)}', is not here: {store.Reach}. Send the conversation as input."));
    }

    /// <summary>Items of kept responses that the input refers to, by id.</summary>
    public async Task<IReadOnlyDictionary<string, ResponseItem>> ReferencedAsync(JsonElement body, CancellationToken cancellationToken)
    {
        if (body.ValueKind != JsonValueKind.Object || !body.TryGetProperty("input", out var input)
            || input.ValueKind != JsonValueKind.Array)
            return None;
        var responses = input.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.Object
                && item.TryGetProperty("type", out var type) && RequestFields.Is(type, "item_reference")
                && item.TryGetProperty("id", out var id) && id.ValueKind == JsonValueKind.String)
            .Select(item => ItemIds.ResponseOf(item.GetProperty("id").GetString()!)).OfType<string>()
            .Distinct().Take(ResponsesMax).ToList();
        var found = new Dictionary<string, ResponseItem>(StringComparer.Ordinal);
        foreach (var id in responses)
        {
            using var entry = await store.FindAsync(id, callers.Current.Name, cancellationToken);
            foreach (var item in entry is null ? [] : ItemsOf(entry, id))
                found[item.Id] = item;
        }

        return found;
    }

    private static IReadOnlyList<ResponseItem> ItemsOf(JsonDocument entry, string id)
    {
        var reader = new ItemReader(new RequestFields(), id, None);
        return
        [
            .. reader.Read("items", entry.RootElement.GetProperty("items")),
            .. reader.Read("output", entry.RootElement.GetProperty("response").GetProperty("output")),
        ];
    }
}
