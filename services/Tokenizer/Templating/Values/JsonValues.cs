using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace Parley.Tokenizer.Templating.Values;

/// <summary>JSON of a request → values that a user wrote, numbers as Python's json reads them.</summary>
internal static class JsonValues
{
    /// <exception cref="TemplateException">A number has too many digits, or a text holds half of a surrogate pair.</exception>
    public static TemplateValue FromUser(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => TextValue.FromUser(Text(element, static one => one.GetString()!)),
        JsonValueKind.True => BooleanValue.True,
        JsonValueKind.False => BooleanValue.False,
        JsonValueKind.Number => Number(element.GetRawText()),
        JsonValueKind.Array => SequenceValue.List([.. element.EnumerateArray().Select(FromUser)]),
        JsonValueKind.Object => new DictionaryValue(element.EnumerateObject().Select(property =>
            new KeyValuePair<TemplateValue, TemplateValue>(
                TextValue.FromUser(Text(property, static one => one.Name)), FromUser(property.Value)))),
        _ => NoneValue.Instance,
    };

    // A whole number keeps all its digits; what has a point or an exponent is a double, infinite where it is too large.
    private static TemplateValue Number(string text)
    {
        if (text.AsSpan().IndexOfAny(".eE") >= 0)
            return new FloatValue(double.Parse(text, CultureInfo.InvariantCulture));
        if (text.Length > PythonNumber.DigitsMax + (text[0] == '-' ? 1 : 0))
            throw TemplateException.Value($"a number has {text.Length} digits; at most {PythonNumber.DigitsMax} are allowed");
        return TemplateValue.Of(BigInteger.Parse(text, CultureInfo.InvariantCulture));
    }

    // A lone surrogate cannot be written as UTF-8; Python would carry it along and fail later.
    private static string Text<T>(T holder, Func<T, string> read)
    {
        try
        {
            return read(holder);
        }
        catch (InvalidOperationException exception)
        {
            throw TemplateException.Value($"a text holds half of a surrogate pair ({exception.Message})");
        }
    }
}
