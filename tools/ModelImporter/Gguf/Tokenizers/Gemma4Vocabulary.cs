using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Tokenizers;

/// <summary>
/// Gemma 4's vocabulary (<c>gemma4</c>): merges by rank over the letters of a whole text, whose spaces are ▁; what is no token is bytes.
/// </summary>
/// <remarks>
/// The converter knows no added tokens of this vocabulary: those that are not special are ordinary ones in a file. An ordinary token of
/// several letters that no merge makes can only be one of them. The special ones of channels and calls it makes user-defined, for
/// llama.cpp to show them; they are special here, as in the model's own files.
/// </remarks>
internal static class Gemma4Vocabulary
{
    private const string Space = "▁";

    private static readonly HashSet<string> Shown = new(StringComparer.Ordinal)
    {
        "<|channel>", "<channel|>", "<|tool_call>", "<tool_call|>", "<|tool_response>", "<tool_response|>", "<|\"|>",
    };

    /// <summary>The tokenizer.json of a file.</summary>
    /// <exception cref="InvalidDataException">The file has no merges, or one that names what is no token.</exception>
    public static byte[] ToJson(GgufVocabulary vocabulary)
    {
        var merges = new GgufMerges(vocabulary);
        for (var id = 0; id < vocabulary.Tokens.Count; id++)
        {
            if (vocabulary.Kinds[id] == GgufTokenKind.UserDefined && Shown.Contains(vocabulary.Tokens[id]))
                vocabulary.Kinds[id] = GgufTokenKind.Control;
            else if (vocabulary.Kinds[id] == GgufTokenKind.Normal && !merges.Named.Contains(id) && HasSeveral(vocabulary.Tokens[id]))
                vocabulary.Kinds[id] = GgufTokenKind.UserDefined;
        }

        JsonNode[] decoders =
        [
            TokenizerJson.Replace(Space, " "), new JsonObject { ["type"] = "ByteFallback" }, new JsonObject { ["type"] = "Fuse" },
        ];
        return TokenizerJson.Write(
            vocabulary, addsBegin: true, addsEnd: false,
            (TokenizerJson.Replace(" ", Space), null, TokenizerJson.Sequence("decoders", decoders)), writer =>
            {
                var unknown = vocabulary.Id("unknown");
                writer.WriteString("type", "BPE");
                if (unknown is { } named)
                    writer.WriteString("unk_token", vocabulary.Tokens[named]);
                writer.WriteBoolean("fuse_unk", true);
                writer.WriteBoolean("byte_fallback", true);
                writer.WriteBoolean("ignore_merges", false);
                writer.WriteStartObject("vocab");
                for (var id = 0; id < vocabulary.Tokens.Count; id++)
                {
                    // Special tokens are no product of merging, so that no text of a user's can become one.
                    if (vocabulary.Tokens[id].Length > 0 && (id == unknown || merges.Named.Contains(id)
                        || vocabulary.Kinds[id] is GgufTokenKind.Normal or GgufTokenKind.Byte))
                        writer.WriteNumber(vocabulary.Tokens[id], id);
                }

                writer.WriteEndObject();
                merges.Write(writer);
            });
    }

    private static bool HasSeveral(string token)
    {
        var letters = 0;
        foreach (var _ in token.EnumerateRunes())
            letters++;
        return letters > 1;
    }
}
