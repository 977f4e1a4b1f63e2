using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Parley.Gateway.Chat;

/// <summary>
/// JSON that comes from outside. JSON's grammar allows what no text is, half of a surrogate pair as an escape and bytes that are no UTF-8,
/// and the parser notices when the text is read: far from here, where nobody expects it. So it is looked for at the door.
/// </summary>
internal static class JsonText
{
    // As many as the Tokenizer's TemplateDepthMax lets through unless it is set otherwise.
    private const int DepthMax = 128;

    /// <summary>Whoever reads the value bounds its depth; a reader alone needs a bit for each level.</summary>
    private static readonly JsonReaderOptions AnyDepth = new() { MaxDepth = int.MaxValue };

    /// <summary>Where a text or a name holds no valid Unicode; null where all of them do.</summary>
    /// <param name="utf8">JSON.</param>
    /// <exception cref="JsonException">It is none.</exception>
    public static long? FindBrokenText(ReadOnlySpan<byte> utf8)
    {
        if (!Utf8.IsValid(utf8))
            return FirstInvalid(utf8);
        // Only an escape can be broken now, and most requests have none of these.
        if (utf8.IndexOf("\\u"u8) < 0)
            return null;
        var reader = new Utf8JsonReader(utf8, AnyDepth);
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.PropertyName or JsonTokenType.String && reader.ValueIsEscaped
                && HasHalfPair(reader.ValueSpan))
            {
                return reader.TokenStartIndex;
            }
        }

        return null;
    }

    /// <summary>Whether a text is JSON that holds what is no Unicode; what is no JSON at all is another matter.</summary>
    public static bool IsBroken(string json)
    {
        try
        {
            return FindBrokenText(Encoding.UTF8.GetBytes(json)) is not null;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>What keeps a text from being a JSON object; null where nothing does.</summary>
    public static string? FaultOf(string json)
    {
        var utf8 = Encoding.UTF8.GetBytes(json);
        try
        {
            var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = DepthMax });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                return "must be a JSON object";
            reader.Skip();
            // Beyond its end there may be white space only.
            reader.Read();
            return FindBrokenText(utf8) is null ? null : "holds text that is not valid Unicode";
        }
        catch (JsonException)
        {
            return IsTooDeep(utf8) ? $"is nested too deeply; at most {DepthMax} levels are allowed" : "must be a JSON object";
        }
    }

    private static bool IsTooDeep(ReadOnlySpan<byte> utf8)
    {
        try
        {
            var reader = new Utf8JsonReader(utf8, AnyDepth);
            while (reader.Read())
            {
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static long FirstInvalid(ReadOnlySpan<byte> utf8)
    {
        var at = 0;
        while (Rune.DecodeFromUtf8(utf8[at..], out _, out var length) == OperationStatus.Done)
            at += length;
        return at;
    }

    /// <summary>Whether a JSON text holds an escape of half a pair; escapes are well-formed here.</summary>
    private static bool HasHalfPair(ReadOnlySpan<byte> escaped)
    {
        var isOpen = false;
        for (var at = 0; at < escaped.Length;)
        {
            var unit = -1;
            var length = 1;
            if (escaped[at] == (byte)'\\')
            {
                length = escaped[at + 1] == (byte)'u' ? 6 : 2;
                if (length == 6)
                    unit = int.Parse(escaped.Slice(at + 2, 4), System.Globalization.NumberStyles.AllowHexSpecifier, null);
            }

            var isLow = unit is >= 0xDC00 and <= 0xDFFF;
            if (isOpen != isLow)
                return true;
            isOpen = unit is >= 0xD800 and <= 0xDBFF;
            at += length;
        }

        return isOpen;
    }
}
