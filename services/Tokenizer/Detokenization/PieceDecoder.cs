using System.Text;
using Parley.TokenizerFormat;

namespace Parley.Tokenizer.Detokenization;

/// <summary>Token ids → what each adds to their text, so that the pieces joined are the text.</summary>
/// <param name="tokens">The vocabulary.</param>
/// <param name="skipSpecialTokens">Special tokens are no part of the text; their pieces say what they are all the same.</param>
/// <param name="continues">The ids go on a text, so that nothing is dropped from its start.</param>
internal sealed class PieceDecoder(TokenTable tokens, bool skipSpecialTokens, bool continues)
{
    private readonly List<byte> _bytes = [];
    private bool _isFirst = !continues;
    private int _stripLeft = continues ? 0 : tokens.Plan.StripStart;

    /// <summary>How many bytes of an id at its front a text loses that it opens.</summary>
    public static int DroppedAtStart(TokenTable tokens, int id)
    {
        var whole = new PieceDecoder(tokens, skipSpecialTokens: false, continues: true).Next(id);
        var opening = new PieceDecoder(tokens, skipSpecialTokens: false, continues: false).Next(id);
        return whole.AsSpan().EndsWith(opening) ? whole.Length - opening.Length : 0;
    }

    /// <summary>The bytes of the next id.</summary>
    public byte[] Next(int id)
    {
        if (tokens.Token(id) is not { } token)
            return [];
        if (skipSpecialTokens && tokens.IsSpecial(id))
            return tokens.Bytes(id).ToArray();
        _bytes.Clear();
        if (tokens.Plan.IsSpaced && !_isFirst)
            _bytes.Add((byte)' ');
        if (_isFirst && tokens.Plan.DroppedFromFirst != '\0')
            tokens.Plan.Write(token, isFirst: true, _bytes);
        else
            _bytes.AddRange(tokens.Bytes(id));
        _isFirst = false;
        while (_stripLeft > 0 && _bytes.Count > 0)
        {
            _stripLeft = tokens.Plan.StartsWithStripped(_bytes, out var length) ? _stripLeft - 1 : 0;
            _bytes.RemoveRange(0, length);
        }

        return [.. _bytes];
    }

    /// <summary>Bytes as a person reads them; what is no whole character is U+FFFD, as often as in the text of invalid ids.</summary>
    public string Text(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        while (!bytes.IsEmpty)
        {
            var isWhole = Rune.DecodeFromUtf8(bytes, out var rune, out var length) == System.Buffers.OperationStatus.Done;
            text.Append(rune);
            if (!isWhole && !tokens.Plan.IsByteLevel)
                text.Append('\uFFFD', length - 1);
            bytes = bytes[length..];
        }

        return text.ToString();
    }
}
