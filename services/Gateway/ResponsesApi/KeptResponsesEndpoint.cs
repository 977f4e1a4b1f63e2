using System.Globalization;
using System.Text.Json;
using Parley.Gateway.Chat;
using Parley.Gateway.KeptResponses;
using Parley.Gateway.Limits;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.ResponsesApi;

/// <summary>Responses that are there already: reading, deleting and cancelling them.</summary>
internal sealed class KeptResponsesEndpoint(ResponseStore store, RunningResponses running, Callers callers)
{
    private const int ItemsDefault = 20;
    private const int ItemsMax = 100;

    public async Task GetAsync(HttpContext context)
    {
        if (string.Equals(context.Request.Query["stream"], "true", StringComparison.OrdinalIgnoreCase))
            throw new OpenAiException(OpenAiError.Invalid(
                "A response that has ended is not streamed again; leave stream away.", "stream",
                ErrorCodes.Of(ViolationReason.Unsupported)));
        using var entry = await FindAsync(context);
        await JsonAnswer.WriteAsync(context, json => json.WriteRawValue(
            entry.RootElement.GetProperty("response").GetRawText(), skipInputValidation: true));
    }

    public async Task DeleteAsync(HttpContext context)
    {
        var id = IdOf(context);
        (await FindAsync(context)).Dispose();
        await store.RemoveAsync(id, context.RequestAborted);
        await JsonAnswer.WriteAsync(context, json =>
        {
            json.WriteStartObject();
            json.WriteString("id", id);
            json.WriteString("object", "response");
            json.WriteBoolean("deleted", true);
            json.WriteEndObject();
        });
    }

    /// <summary>A response that is being written ends here; one that has ended cannot.</summary>
    public async Task CancelAsync(HttpContext context)
    {
        var id = IdOf(context);
        if (running.Find(id, callers.Current.Name) is not { } one)
        {
            (await FindAsync(context)).Dispose();
            throw new OpenAiException(OpenAiError.Invalid($"Response '{id}' has ended and cannot be cancelled."));
        }

        one.Cancel();
        var ended = await one.Ended.WaitAsync(context.RequestAborted) ?? throw Unknown(id);
        await JsonAnswer.WriteAsync(context, json => json.WriteRawValue(ended, skipInputValidation: true));
    }

    public async Task ListItemsAsync(HttpContext context)
    {
        var query = context.Request.Query;
        var (limit, isAscending) = (LimitOf(query["limit"]), IsAscending(query["order"]));
        using var entry = await FindAsync(context);
        var items = entry.RootElement.GetProperty("items").EnumerateArray().ToList();
        if (!isAscending)
            items.Reverse();
        var start = query["after"] is [{ Length: > 0 } after] ? IndexOf(items, after, "after") + 1 : 0;
        var end = query["before"] is [{ Length: > 0 } before] ? IndexOf(items, before, "before") : items.Count;
        // Before an item are those that come right before it.
        var first = query["before"].Count > 0 && query["after"].Count == 0 ? Math.Max(start, end - limit) : start;
        var shown = items.Take(Math.Min(end, first + limit)).Skip(first).ToList();
        await JsonAnswer.WriteAsync(context, json =>
        {
            json.WriteStartObject();
            json.WriteString("object", "list");
            json.WriteStartArray("data");
            foreach (var item in shown)
                item.WriteTo(json);
            json.WriteEndArray();
            json.WriteString("first_id", shown.Count > 0 ? shown[0].GetProperty("id").GetString() : null);
            json.WriteString("last_id", shown.Count > 0 ? shown[^1].GetProperty("id").GetString() : null);
            json.WriteBoolean("has_more", first > start || first + shown.Count < end);
            json.WriteEndObject();
        });
    }

    /// <summary>What to say of a response that nobody knows.</summary>
    private OpenAiException Unknown(string id) => new(new OpenAiError(
        StatusCodes.Status404NotFound, "invalid_request_error", "response_not_found", "response_id",
        $"Response '{BoundedText.Cut(id, 80)}' is not here: {store.Reach}."));

    private static string IdOf(HttpContext context) => context.Request.RouteValues["id"] as string ?? "";

    private async Task<JsonDocument> FindAsync(HttpContext context)
    {
        var id = IdOf(context);
        var entry = ItemIds.IsResponse(id) ? await store.FindAsync(id, callers.Current.Name, context.RequestAborted) : null;
        return entry ?? throw Unknown(id);
    }

    private static int LimitOf(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return ItemsDefault;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit is >= 1 and <= ItemsMax
            ? limit
            : throw new OpenAiException(OpenAiError.Invalid($"limit must be between 1 and {ItemsMax}.", "limit", "invalid_value"));
    }

    private static bool IsAscending(string? text) => text switch
    {
        "asc" => true,
        "desc" or null or "" => false,
        _ => throw new OpenAiException(OpenAiError.Invalid("order must be 'asc' or 'desc'.", "order", "invalid_value")),
    };

    private static int IndexOf(List<JsonElement> items, string id, string name)
    {
        var index = items.FindIndex(item => item.GetProperty("id").ValueEquals(id));
        return index >= 0
            ? index
            : throw new OpenAiException(OpenAiError.Invalid($"{name} names no item of the response.", name, "invalid_value"));
    }
}
