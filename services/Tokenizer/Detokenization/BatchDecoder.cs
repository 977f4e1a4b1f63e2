using System.Buffers;
using Parley.TokenizerFormat;

namespace Parley.Tokenizer.Detokenization;

/// <summary>Token ids → text, the whole list at once, equal to the reference also where byte runs are malformed.</summary>
internal static class BatchDecoder
{
    /// <param name="tokens">The vocabulary.</param>
    /// <param name="ids">Any ids; those without a token have no text.</param>
    /// <param name="skipSpecialTokens">Leave special tokens out.</param>
    /// <param name="continues">The ids go on a text, so that nothing is dropped from its start.</param>
    public static string Decode(TokenTable tokens, ReadOnlySpan<int> ids, bool skipSpecialTokens, bool continues = false)
    {
        var text = new ArrayBufferWriter<char>(Math.Max(16, ids.Length * 4));
        var decoder = new IncrementalDecoder(tokens, skipSpecialTokens, runBytesMax: int.MaxValue);
        if (continues)
            decoder.Continue();
        foreach (var id in ids)
            decoder.Append(id, text);
        decoder.Flush(text);
        return text.WrittenSpan.ToString();
    }

    /// <summary>Hugging Face's clean-up of spaces before punctuation and contractions.</summary>
    public static string CleanUp(string text)
    {
        ReadOnlySpan<(string From, string To)> rules =
        [
            (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"), (" 's", "'s"),
            (" 've", "'ve"), (" 're", "'re"),
        ];
        foreach (var (from, to) in rules)
            text = text.Replace(from, to, StringComparison.Ordinal);
        return text;
    }
}
