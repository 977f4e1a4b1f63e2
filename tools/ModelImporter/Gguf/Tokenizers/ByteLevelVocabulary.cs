using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Tokenizers;

/// <summary>A vocabulary of byte pairs (<c>gpt2</c>): merges by rank over the bytes of pieces that a pre-tokenizer splits off.</summary>
internal static class ByteLevelVocabulary
{
    /// <summary>The tokenizer.json of a file.</summary>
    /// <exception cref="InvalidDataException">The pre-tokenizer is not known, or a merge names what is no token.</exception>
    public static byte[] ToJson(GgufVocabulary vocabulary)
    {
        const string Key = "tokenizer.ggml.pre";
        var name = vocabulary.PreTokenizer ?? throw vocabulary.NeedsTokenizer($"{Key} is missing, so how text is split is not known");
        var split = PreTokenizers.Find(name) ?? throw vocabulary.NeedsTokenizer(
            $"{Key} is {name}, a way of splitting text that is not known here; known are {string.Join(", ", PreTokenizers.Names)}");
        var merges = new GgufMerges(vocabulary);
        var normalizer = split.Composes ? new JsonObject { ["type"] = "NFC" } : null;
        var decoder = new JsonObject
        {
            ["type"] = "ByteLevel",
            ["add_prefix_space"] = true,
            ["trim_offsets"] = true,
            ["use_regex"] = true,
        };
        return TokenizerJson.Write(
            vocabulary, split.AddsBegin, addsEnd: false,
            (normalizer, TokenizerJson.Sequence("pretokenizers", split.Steps), decoder), writer =>
            {
                writer.WriteString("type", "BPE");
                writer.WriteBoolean("fuse_unk", false);
                writer.WriteBoolean("byte_fallback", false);
                writer.WriteBoolean("ignore_merges", split.IgnoreMerges);
                writer.WriteStartObject("vocab");
                for (var id = 0; id < vocabulary.Tokens.Count; id++)
                {
                    // Control tokens are no product of merging, so that no text of a user's can become one.
                    if (vocabulary.Tokens[id].Length > 0
                        && (vocabulary.Kinds[id] is GgufTokenKind.Normal or GgufTokenKind.Byte || merges.Named.Contains(id)))
                        writer.WriteNumber(vocabulary.Tokens[id], id);
                }

                writer.WriteEndObject();
                merges.Write(writer);
            });
    }
}
