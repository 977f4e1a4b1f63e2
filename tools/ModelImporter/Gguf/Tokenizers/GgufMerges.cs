using System.Text.Json;

namespace Parley.ModelImporter.Gguf.Tokenizers;

/// <summary>The merges of a file by rank, each of two tokens that make a third.</summary>
internal sealed class GgufMerges
{
    private readonly List<(string Merge, int At)> _merges;

    /// <exception cref="InvalidDataException">There are none, or one names what is no token.</exception>
    public GgufMerges(GgufVocabulary vocabulary)
    {
        if (vocabulary.Merges.Count == 0)
            throw vocabulary.NeedsTokenizer("tokenizer.ggml.merges is missing");
        _merges = new List<(string, int)>(vocabulary.Merges.Count);
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

            Named.UnionWith([left, right, product]);
            Products.Add(product);
            _merges.Add((merge, at));
        }
    }

    /// <summary>Ids that a merge names or makes.</summary>
    public HashSet<int> Named { get; } = [];

    /// <summary>Ids that a merge makes.</summary>
    public HashSet<int> Products { get; } = [];

    /// <summary>Writes <c>merges</c>, each as two texts.</summary>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("merges");
        foreach (var (merge, at) in _merges)
        {
            writer.WriteStartArray();
            writer.WriteStringValue(merge.AsSpan(0, at));
            writer.WriteStringValue(merge.AsSpan(at + 1));
            writer.WriteEndArray();
        }

        writer.WriteEndArray();
    }
}
