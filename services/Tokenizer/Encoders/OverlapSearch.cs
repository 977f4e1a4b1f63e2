using System.Collections.Concurrent;
using System.Text;

namespace Parley.Tokenizer.Encoders;

/// <summary>
/// The runs of ids in which a short text may stand within others: a token that holds it, or one that ends with its beginning, followed by
/// the rest as it is encoded by itself. So llama.cpp makes the breakers of DRY from texts. A search reads the whole vocabulary, so its
/// answers are kept. Thread-safe.
/// </summary>
internal sealed class OverlapSearch(HuggingFaceTokenizer tokenizer)
{
    private const int KeptTexts = 256;

    /// <summary>Ids of a rest; as in llama.cpp, a longer one is cut.</summary>
    private const int RestIdsMax = 20;

    private readonly ConcurrentDictionary<string, int[][]> _kept = new(StringComparer.Ordinal);

    /// <summary>The runs of a text, ids of their first token ascending.</summary>
    /// <param name="text">At least one character.</param>
    /// <exception cref="UncoveredTextException">The vocabulary cannot write the rest of it.</exception>
    public IReadOnlyList<int[]> Find(string text)
    {
        if (_kept.TryGetValue(text, out var runs))
            return runs;
        runs = Search(Encoding.UTF8.GetBytes(text));
        if (_kept.Count < KeptTexts)
            _kept[text] = runs;
        return runs;
    }

    private int[][] Search(byte[] text)
    {
        var runs = new List<int[]>();
        var rests = new int[]?[text.Length];
        for (var id = 0; id < tokenizer.Tokens.Count; id++)
        {
            var bytes = tokenizer.Tokens.Bytes(id);
            if (bytes.IndexOf(text) >= 0)
            {
                runs.Add([id]);
                continue;
            }

            // Where the token ends with the beginning of the text, from the longest on.
            for (var length = Math.Min(text.Length - 1, bytes.Length); length > 0; length--)
            {
                if (bytes.EndsWith(text.AsSpan(0, length)) && (rests[length] ??= Rest(text.AsSpan(length))) is { Length: > 0 } rest)
                    runs.Add([id, .. rest]);
            }
        }

        return [.. runs];
    }

    /// <summary>Ids of what follows; none where it begins within a character, which no text does.</summary>
    private int[] Rest(ReadOnlySpan<byte> rest) => Encoding.UTF8.GetString(rest) is var text && text[0] == '\uFFFD'
        ? [] : [.. tokenizer.Encode(text).Take(RestIdsMax)];
}
