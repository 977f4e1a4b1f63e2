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
        var merges = ReadMerges(vocabulary, out var merged);
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
                        && (vocabulary.Kinds[id] is GgufTokenKind.Normal or GgufTokenKind.Byte || merged.Contains(id)))
                        writer.WriteNumber(vocabulary.Tokens[id], id);
                }

                writer.WriteEndObject();
                writer.WriteStartArray("merges");
                foreach (var (merge, at) in merges)
                {
                    writer.WriteStartArray();
                    writer.WriteStringValue(merge.AsSpan(0, at));
                    writer.WriteStringValue(merge.AsSpan(at + 1));
                    writer.WriteEndArray();
                }

                writer.WriteEndArray();
            });
    }

    /// <summary>The merges, each with the place of its border, and the ids that they name.</summary>
    private static List<(string Merge, int At)> ReadMerges(GgufVocabulary vocabulary, out HashSet<int> merged)
    {
        if (vocabulary.Merges.Count == 0)
            throw vocabulary.NeedsTokenizer("tokenizer.ggml.merges is missing");
        var merges = new List<(string, int)>(vocabulary.Merges.Count);
        merged = [];
        for (var rank = 0; rank < vocabulary.Merges.Count; rank++)
        {
            var merge = vocabulary.Merges[rank];
            var at = merge.Length < 3 ? -1 : merge.IndexOf(' ', 1);
            if (at < 0 || at == merge.Length - 1 || !vocabulary.TryGetId(merge.AsSpan(0, at), out var left)
                || !vocabulary.TryGetId(merge.AsSpan(at + 1), out var right)
                || !vocabulary.TryGetId(merge.Remove(at, 1), out var product))
            {
                throw vocabulary.Fault(
                    $"tokenizer.ggml.merges[{rank}] is \"{merge}\", not two tokens with a space between them that make a third");
            }

            merged.UnionWith([left, right, product]);
            merges.Add((merge, at));
        }

        return merges;
    }
}
