using System.Buffers;
using Parley.Tokenizer.Vocabulary;

namespace Parley.Tokenizer.Detokenization;

/// <summary>Token ids → text, the whole list at once, equal to the reference also where byte runs are malformed.</summary>
internal static class BatchDecoder
{
    public static string Decode(TokenTable tokens, ReadOnlySpan<int> ids, bool skipSpecialTokens)
    {
        var text = new ArrayBufferWriter<char>(Math.Max(16, ids.Length * 4));
        var decoder = new IncrementalDecoder(tokens, skipSpecialTokens);
        if (!tokens.Plan.FallsBack)
        {
            foreach (var id in ids)
                decoder.Append(tokens.Checked((uint)id), text);
        }
        else
        {
            DecodeRuns(tokens, ids, skipSpecialTokens, decoder, text);
        }

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

    // A run of byte tokens that is not valid UTF-8 as a whole becomes one U+FFFD for each of its bytes.
    private static void DecodeRuns(
        TokenTable tokens, ReadOnlySpan<int> ids, bool skipSpecialTokens, IncrementalDecoder decoder, ArrayBufferWriter<char> text)
    {
        var run = new List<byte>();
        for (var i = 0; i < ids.Length; i++)
        {
            var id = tokens.Checked((uint)ids[i]);
            if (tokens.Token(id) is null || (skipSpecialTokens && tokens.IsSpecial(id)))
                continue;
            if (!tokens.IsByte(id))
            {
                decoder.Append(id, text);
                continue;
            }

            run.Clear();
            var first = i;
            for (; i < ids.Length; i++)
            {
                id = tokens.Checked((uint)ids[i]);
                if (tokens.Token(id) is null || (skipSpecialTokens && tokens.IsSpecial(id)))
                    continue;
                if (!tokens.IsByte(id))
                    break;
                run.AddRange(tokens.Bytes(id));
            }

            var isValid = System.Text.Unicode.Utf8.IsValid([.. run]);
            if (isValid)
            {
                foreach (var member in ids[first..i])
                    decoder.Append(member, text);
            }
            else
            {
                decoder.AppendReplacements(run.Count, text);
            }

            i--;
        }
    }
}
