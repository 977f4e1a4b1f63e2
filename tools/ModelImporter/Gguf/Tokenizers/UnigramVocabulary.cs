using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Tokenizers;

/// <summary>A vocabulary of SentencePiece's that cuts a text in the likeliest way (<c>t5</c>).</summary>
internal static class UnigramVocabulary
{
    private const string Space = "▁";

    /// <summary>The tokenizer.json of a file.</summary>
    /// <exception cref="InvalidDataException">The file has no scores, or no token for unknown text.</exception>
    public static byte[] ToJson(GgufVocabulary vocabulary)
    {
        if (vocabulary.Scores is not { } scores)
            throw vocabulary.NeedsTokenizer("tokenizer.ggml.scores is missing");
        if (vocabulary.Id("unknown") is not { } unknown)
            throw vocabulary.NeedsTokenizer("tokenizer.ggml.unknown_token_id names no token");
        var addsPrefix = vocabulary.Flag("add_space_prefix", true);
        var spaces = new JsonObject
        {
            ["type"] = "Metaspace",
            ["replacement"] = Space,
            ["prepend_scheme"] = addsPrefix ? "always" : "never",
            ["split"] = true,
        };
        return TokenizerJson.Write(
            vocabulary, addsBegin: false, addsEnd: true,
            (TokenizerJson.Sequence("normalizers", Normalizers(vocabulary)), spaces, spaces.DeepClone()), writer =>
            {
                writer.WriteString("type", "Unigram");
                writer.WriteNumber("unk_id", unknown);
                writer.WriteBoolean("byte_fallback", vocabulary.Kinds.Contains(GgufTokenKind.Byte));
                writer.WriteStartArray("vocab");
                for (var id = 0; id < vocabulary.Tokens.Count; id++)
                {
                    writer.WriteStartArray();
                    writer.WriteStringValue(vocabulary.Tokens[id]);
                    writer.WriteNumberValue(scores[id]);
                    writer.WriteEndArray();
                }

                writer.WriteEndArray();
            });
    }

    private static IEnumerable<JsonNode> Normalizers(GgufVocabulary vocabulary)
    {
        if (vocabulary.Bytes("precompiled_charsmap") is { Length: > 0 } map)
        {
            yield return new JsonObject
            {
                ["type"] = "Precompiled",
                ["precompiled_charsmap"] = Convert.ToBase64String(map),
            };
        }

        if (!vocabulary.Flag("remove_extra_whitespaces", false))
            yield break;
        yield return new JsonObject { ["type"] = "Strip", ["strip_left"] = false, ["strip_right"] = true };
        yield return new JsonObject
        {
            ["type"] = "Replace",
            ["pattern"] = new JsonObject { ["Regex"] = " {2,}" },
            ["content"] = Space,
        };
    }
}
