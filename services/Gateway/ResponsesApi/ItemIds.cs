namespace Parley.Gateway.ResponsesApi;

/// <summary>Ids of a response and its items: an item's says of which response it is, so that a reference to it can be followed.</summary>
internal static class ItemIds
{
    private const string ResponsePrefix = "resp_";
    private const int DigitsOfResponse = 32;

    public static string NewResponse(TimeProvider time) => ResponsePrefix + Guid.CreateVersion7(time.GetUtcNow()).ToString("n");

    /// <summary>The id of an item that a response was asked with or has given.</summary>
    /// <param name="prefix"><c>msg</c>, <c>rs</c>, <c>fc</c> or <c>fco</c>.</param>
    /// <param name="responseId">The response.</param>
    /// <param name="number">Different for each of its items.</param>
    public static string Item(string prefix, string responseId, int number) =>
        $"{prefix}_{responseId[ResponsePrefix.Length..]}{number:x4}";

    /// <summary>The response that an item is of; null where the id is none of ours.</summary>
    public static string? ResponseOf(string itemId)
    {
        var at = itemId.IndexOf('_', StringComparison.Ordinal) + 1;
        return at > 0 && itemId.Length > at + DigitsOfResponse && itemId[at..].All(char.IsAsciiHexDigitLower)
            ? string.Concat(ResponsePrefix, itemId.AsSpan(at, DigitsOfResponse))
            : null;
    }

    /// <summary>Whether a text can be the id of a response: others are not looked for.</summary>
    public static bool IsResponse(string id) => id.Length == ResponsePrefix.Length + DigitsOfResponse
        && id.StartsWith(ResponsePrefix, StringComparison.Ordinal) && id[ResponsePrefix.Length..].All(char.IsAsciiHexDigitLower);
}
