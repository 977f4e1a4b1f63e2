using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Tokenizers;

/// <summary>
/// A vocabulary of SentencePiece's with merges by score (<c>llama</c>). The user-defined pieces of its training are found in the normalized
/// text, before anything is merged: they are a split here, and taken whole, since an added token would be found before the text gets its
/// first space.
/// </summary>
internal static class SentencePieceVocabulary
{
    private const string Space = "▁";
    private const int PieceCharactersMax = 256;

    /// <summary>The tokenizer.json of a file.</summary>
    /// <exception cref="InvalidDataException">The file has no scores, or neither a token nor bytes for unknown text.</exception>
    public static byte[] ToJson(GgufVocabulary vocabulary)
    {
        if (vocabulary.Scores is null)
            throw vocabulary.NeedsTokenizer("tokenizer.ggml.scores is missing");
        if (vocabulary.Tokens.FirstOrDefault(token => token.Length > PieceCharactersMax) is { } piece)
            throw vocabulary.Fault($"the piece \"{piece[..40]}…\" has more than {PieceCharactersMax} characters");
        var defined = FindDefined(vocabulary);
        var merges = FindMerges(vocabulary, defined);
        var unknown = vocabulary.Id("unknown");
        var addsPrefix = vocabulary.Flag("add_space_prefix", true);
        JsonNode?[] normalizers =
        [
            addsPrefix ? new JsonObject { ["type"] = "Prepend", ["prepend"] = Space } : null,
            TokenizerJson.Replace(" ", Space),
        ];
        return TokenizerJson.Write(
            vocabulary, addsBegin: true, addsEnd: false,
            (TokenizerJson.Sequence("normalizers", normalizers.OfType<JsonNode>()), Split(vocabulary, defined), Decoder(addsPrefix)),
            writer =>
            {
                writer.WriteString("type", "BPE");
                if (unknown is { } id)
                    writer.WriteString("unk_token", vocabulary.Tokens[id]);
                writer.WriteBoolean("fuse_unk", true);
                writer.WriteBoolean("byte_fallback", vocabulary.Kinds.Contains(GgufTokenKind.Byte));
                writer.WriteBoolean("ignore_merges", defined.Count > 0);
                WriteVocabulary(writer, vocabulary, unknown);
                writer.WriteStartArray("merges");
                foreach (var (token, at) in merges)
                {
                    writer.WriteStartArray();
                    writer.WriteStringValue(token.AsSpan(0, at));
                    writer.WriteStringValue(token.AsSpan(at));
                    writer.WriteEndArray();
                }

                writer.WriteEndArray();
            });
    }

    /// <summary>Control tokens are none of the model's: a user's text that is spelled like one stays text.</summary>
    private static void WriteVocabulary(Utf8JsonWriter writer, GgufVocabulary vocabulary, int? unknown)
    {
        writer.WriteStartObject("vocab");
        for (var id = 0; id < vocabulary.Tokens.Count; id++)
        {
            if (vocabulary.Tokens[id].Length > 0
                && (vocabulary.Kinds[id] is GgufTokenKind.Normal or GgufTokenKind.Byte || id == unknown))
                writer.WriteNumber(vocabulary.Tokens[id], id);
        }

        writer.WriteEndObject();
    }

    /// <summary>
    /// User-defined pieces, which converters call normal: their score is 0, and no two others make them, so that they would never be found
    /// if they were. Those that a file calls user-defined were added to the vocabulary later, and are added tokens.
    /// </summary>
    private static List<int> FindDefined(GgufVocabulary vocabulary)
    {
        var defined = new List<int>();
        for (var id = 0; id < vocabulary.Tokens.Count; id++)
        {
            if (vocabulary.Kinds[id] == GgufTokenKind.Normal && vocabulary.Scores![id] == 0
                && Characters(vocabulary.Tokens[id]) > 1 && !Cuts(vocabulary, vocabulary.Tokens[id]).Any())
                defined.Add(id);
        }

        return defined;
    }

    /// <summary>
    /// Every way to cut a normal token into two, in the order in which the reference's conversion ranks them: the highest score first, then
    /// the longest left part.
    /// </summary>
    private static IEnumerable<(string Token, int At)> FindMerges(GgufVocabulary vocabulary, List<int> defined)
    {
        var apart = defined.ToHashSet();
        var ranked = new List<(string Token, (int At, int Left, int Right) Cut, double Score)>();
        for (var id = 0; id < vocabulary.Tokens.Count; id++)
        {
            if (vocabulary.Kinds[id] != GgufTokenKind.Normal || apart.Contains(id))
                continue;
            var token = vocabulary.Tokens[id];
            foreach (var cut in Cuts(vocabulary, token).OrderBy(cut => cut.Left).ThenBy(cut => cut.Right))
                ranked.Add((token, cut, vocabulary.Scores![id]));
        }

        return ranked.OrderByDescending(item => item.Score).ThenByDescending(item => Characters(item.Token.AsSpan(0, item.Cut.At)))
            .ThenByDescending(item => Characters(item.Token.AsSpan(item.Cut.At))).Select(item => (item.Token, item.Cut.At));
    }

    private static IEnumerable<(int At, int Left, int Right)> Cuts(GgufVocabulary vocabulary, string token)
    {
        for (var at = 1; at < token.Length; at++)
        {
            if (vocabulary.TryGetId(token.AsSpan(0, at), out var left) && vocabulary.TryGetId(token.AsSpan(at), out var right)
                && vocabulary.Kinds[left] == GgufTokenKind.Normal && vocabulary.Kinds[right] == GgufTokenKind.Normal)
                yield return (at, left, right);
        }
    }

    private static int Characters(ReadOnlySpan<char> text)
    {
        var count = 0;
        foreach (var _ in text.EnumerateRunes())
            count++;
        return count;
    }

    /// <summary>The longest piece wins, so the longest comes first.</summary>
    private static JsonObject? Split(GgufVocabulary vocabulary, List<int> defined) => defined.Count == 0 ? null : new JsonObject
    {
        ["type"] = "Split",
        ["pattern"] = new JsonObject
        {
            ["Regex"] = string.Join('|', defined.Select(id => vocabulary.Tokens[id].Replace(" ", Space, StringComparison.Ordinal))
                .OrderByDescending(token => token.Length).Select(Literal)),
        },
        ["behavior"] = "Isolated",
        ["invert"] = false,
    };

    private static JsonObject Decoder(bool addsPrefix)
    {
        var steps = new JsonArray
        {
            TokenizerJson.Replace(Space, " "),
            new JsonObject { ["type"] = "ByteFallback" },
            new JsonObject { ["type"] = "Fuse" },
        };
        if (addsPrefix)
            steps.Add(new JsonObject { ["type"] = "Strip", ["content"] = " ", ["start"] = 1, ["stop"] = 0 });
        return new JsonObject { ["type"] = "Sequence", ["decoders"] = steps };
    }

    /// <summary>A text as a pattern that matches it: every ASCII character that could mean something else is escaped by its code.</summary>
    private static string Literal(string text)
    {
        var pattern = new StringBuilder();
        foreach (var letter in text)
        {
            if (letter < 128 && !char.IsAsciiLetterOrDigit(letter))
                pattern.Append(CultureInfo.InvariantCulture, $"\\x{(int)letter:X2}");
            else
                pattern.Append(letter);
        }

        return pattern.ToString();
    }
}
