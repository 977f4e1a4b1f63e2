using System.Globalization;
using Parley.ModelImporter.Gguf.Metadata;

namespace Parley.ModelImporter.Gguf;

/// <summary>
/// The tokens that end an answer by a GGUF file's metadata. As in llama.cpp not only the one that is called so: the ends of a turn and of a
/// message, what separates files in code, and tokens whose text is known to be an end.
/// </summary>
internal static class GgufEndTokens
{
    private const string Tokens = "tokenizer.ggml.tokens";
    private const string Types = "tokenizer.ggml.token_type";
    private const long Control = 3;
    private const string End = "<|end|>";

    private static readonly string[] Keys = ["eos", "eot", "eom", "fim_pad", "fim_rep", "fim_sep"];

    private static readonly HashSet<string> Known = new(StringComparer.Ordinal)
    {
        "<|eot_id|>", "<|im_end|>", End, "<|return|>", "<|call|>", "<|calls|>", "<|flush|>", "<end_of_turn>", "<|endoftext|>",
        "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "<|end_of_text|>", "<end_of_utterance>", "<turn|>", "<|tool_response>",
    };

    /// <summary>Texts that ordinary tokens of a vocabulary may have, too: only a control token of this text is an end.</summary>
    private static readonly HashSet<string> KnownIfControl = new(StringComparer.Ordinal) { "</s>", "<eos>" };

    /// <summary>The ids, the end of the text first, the others in ascending order.</summary>
    /// <param name="metadata">The file's metadata.</param>
    /// <param name="vocabulary">Rows of the embedding.</param>
    /// <param name="path">Named in messages.</param>
    /// <exception cref="InvalidDataException">An id is beyond the vocabulary; the message names the key.</exception>
    public static IReadOnlyList<long> Read(IReadOnlyDictionary<string, object> metadata, long vocabulary, string path)
    {
        var ids = new List<long>();
        foreach (var key in Keys.Select(key => $"tokenizer.ggml.{key}_token_id"))
        {
            if (!metadata.TryGetValue(key, out var value))
                continue;
            ids.Add(value is long id and >= 0 && id < vocabulary ? id : throw new InvalidDataException(
                string.Create(CultureInfo.InvariantCulture, $"{path}: {key} is {value}, not an id below {vocabulary}.")));
        }

        var named = Named(metadata, vocabulary);
        // Where answers have channels, the end of one of them is not that of the answer.
        if (named.TryGetValue(End, out var end) && ((named.ContainsKey("<|return|>") && named.ContainsKey("<|call|>"))
            || (named.ContainsKey("<|calls|>") && named.ContainsKey("<|flush|>"))))
        {
            named.Remove(End);
            ids.Remove(end);
        }

        return [.. ids.Take(1), .. ids.Skip(1).Concat(named.Values).Except(ids.Take(1)).Distinct().Order()];
    }

    private static Dictionary<string, long> Named(IReadOnlyDictionary<string, object> metadata, long vocabulary)
    {
        var named = new Dictionary<string, long>(StringComparer.Ordinal);
        var texts = (metadata.GetValueOrDefault(Tokens) as GgufList ?? GgufList.Unread).Texts;
        var types = (metadata.GetValueOrDefault(Types) as GgufList ?? GgufList.Unread).Numbers;
        for (var id = 0; id < texts.Count && id < vocabulary; id++)
        {
            if (Known.Contains(texts[id]) || (KnownIfControl.Contains(texts[id]) && id < types.Count && types[id] == Control))
                named[texts[id]] = id;
        }

        return named;
    }
}
