using System.Text.Json;

namespace Parley.Tokenizer.Templating.Values;

/// <summary>JSON of a request → values that a user wrote.</summary>
internal static class JsonValues
{
    /// <exception cref="TemplateException">A number does not fit.</exception>
    public static TemplateValue FromUser(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => TextValue.FromUser(Text(element)),
        JsonValueKind.True => BooleanValue.True,
        JsonValueKind.False => BooleanValue.False,
        JsonValueKind.Number => Number(element),
        JsonValueKind.Array => SequenceValue.List([.. element.EnumerateArray().Select(FromUser)]),
        JsonValueKind.Object => new DictionaryValue(element.EnumerateObject().Select(property =>
            new KeyValuePair<TemplateValue, TemplateValue>(TextValue.FromUser(property.Name), FromUser(property.Value)))),
        _ => NoneValue.Instance,
    };

    private static TemplateValue Number(JsonElement element)
    {
        var isWhole = element.GetRawText().AsSpan().IndexOfAny(".eE") < 0;
        if (!isWhole)
            return new FloatValue(element.GetDouble());
        return element.TryGetInt64(out var value)
            ? TemplateValue.Of(value)
            : throw TemplateException.Value($"the number {element.GetRawText()} does not fit into 64 bits");
    }

    // A lone surrogate cannot be written as UTF-8; Python would carry it along and fail later.
    private static string Text(JsonElement element)
    {
        try
        {
            return element.GetString()!;
        }
        catch (InvalidOperationException exception)
        {
            throw TemplateException.Value($"a text holds half of a surrogate pair ({exception.Message})");
        }
    }
}
