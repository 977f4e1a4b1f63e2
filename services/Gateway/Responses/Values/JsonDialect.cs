using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Parley.Gateway.Responses.Values;

/// <summary>JSON as models write it that were taught another notation: keys without quotes, strings between marks of their own.</summary>
internal sealed class JsonDialect(JsonObject arguments)
{
    private const char Opening = '\x01';
    private const char Closing = '\x02';

    /// <param name="text">What stands in the region.</param>
    /// <param name="plain">Where anything is allowed, the text that it is instead.</param>
    /// <exception cref="ResponseFormatException">It is no JSON, even so.</exception>
    public JsonNode? Parse(string text, Func<string, string> plain)
    {
        // Reserved for what is set aside; strings may not hold them anyway.
        if (PythonTruth.IsTrue(arguments["string_delims"]) && text.AsSpan().ContainsAny(Opening, Closing))
            throw new ResponseFormatException("the text holds characters that are reserved (\\x01, \\x02)");
        try
        {
            return PythonJson.Parse(Standard(text));
        }
        catch (ResponseFormatException) when (PythonTruth.IsTrue(arguments["allow_non_json"]))
        {
            return JsonValue.Create(plain(text));
        }
    }

    /// <summary>The text as standard JSON, as far as it is any.</summary>
    private string Standard(string text)
    {
        var captured = new List<string>();
        var working = text;
        if (PythonTruth.IsTrue(arguments["string_delims"]))
        {
            foreach (var pair in arguments["string_delims"] as JsonArray ?? [])
                working = SetAside(working, pair, captured);
        }

        if (PythonTruth.IsTrue(arguments["unquoted_keys"]))
            working = Quoted(working);
        return captured.Count == 0 ? working : Restored(working, captured);
    }

    private static string SetAside(string text, JsonNode? pair, List<string> captured)
    {
        if (pair is not JsonArray { Count: 2 } both || PythonTruth.Text(both[0]) is not { Length: > 0 } open
            || PythonTruth.Text(both[1]) is not { Length: > 0 } close)
        {
            throw new ResponseFormatException("string_delims must hold pairs of texts");
        }

        var result = new StringBuilder(text.Length);
        var at = 0;
        while (text.IndexOf(open, at, StringComparison.Ordinal) is >= 0 and var start
            && text.IndexOf(close, start + open.Length, StringComparison.Ordinal) is >= 0 and var end)
        {
            result.Append(text, at, start - at)
                .Append(Opening).Append(CultureInfo.InvariantCulture, $"{captured.Count}").Append(Closing);
            captured.Add(text[(start + open.Length)..end]);
            at = end + close.Length;
        }

        return result.Append(text, at, text.Length - at).ToString();
    }

    private static string Quoted(string text)
    {
        var result = new StringBuilder(text.Length);
        for (var at = 0; at < text.Length;)
        {
            var end = at;
            if (at > 0 && text[at - 1] is '{' or ',')
            {
                while (end < text.Length && Patterns.CharacterSet.Word.Holds(Patterns.CodePoints.At(text, end, out var length)))
                    end += length;
            }

            if (end > at && end < text.Length && text[end] == ':')
            {
                result.Append('"').Append(text, at, end - at).Append("\":");
                at = end + 1;
                continue;
            }

            end = Math.Max(end, at + 1);
            result.Append(text, at, end - at);
            at = end;
        }

        return result.ToString();
    }

    private static string Restored(string text, List<string> captured)
    {
        var result = new StringBuilder(text.Length);
        for (var at = 0; at < text.Length; at++)
        {
            if (text[at] != Opening)
            {
                result.Append(text[at]);
                continue;
            }

            var end = text.IndexOf(Closing, at);
            var quoted = captured[int.Parse(text.AsSpan(at + 1, end - at - 1), CultureInfo.InvariantCulture)];
            result.Append('"').Append(Escaped(quoted)).Append('"');
            at = end;
        }

        return result.ToString();
    }

    private static StringBuilder Escaped(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var one in text)
        {
            if (one is '"' or '\\')
                result.Append('\\').Append(one);
            else if (one < ' ')
                result.Append(CultureInfo.InvariantCulture, $"\\u{(int)one:x4}");
            else
                result.Append(one);
        }

        return result;
    }
}
