using System.Buffers;
using System.Text;
using Parley.Tokenizer.Vocabulary;

namespace Parley.Tokenizer.Detokenization;

/// <summary>
/// Token ids → text as they come, for one sequence. Holds back the bytes of an incomplete character, at most three, and nothing else;
/// however the ids are cut into batches, the text is the same.
/// </summary>
/// <remarks>
/// Invalid bytes become U+FFFD: one for each maximal invalid part in byte-level vocabularies, one for each byte in byte-fallback
/// vocabularies. There the reference replaces a whole run of byte tokens once one of them is invalid, characters already shown
/// included; a stream cannot take those back, so only <see cref="BatchDecoder"/> does it.
/// </remarks>
internal sealed class IncrementalDecoder(TokenTable tokens, bool skipSpecialTokens)
{
    private readonly DecodePlan _plan = tokens.Plan;
    private uint _pendingBytes;
    private int _pendingCount;
    private int _stripLeft = tokens.Plan.StripStart;
    private bool _isFirst = true;

    /// <summary>Decodes one id and appends what is complete.</summary>
    /// <param name="id">An id of the vocabulary.</param>
    /// <param name="text">Receives whole characters.</param>
    public void Append(int id, ArrayBufferWriter<char> text)
    {
        if ((skipSpecialTokens && tokens.IsSpecial(id)) || tokens.Token(id) is not { } token)
            return;
        var isFirst = _isFirst;
        _isFirst = false;
        if (!_plan.IsByteLevel && !tokens.IsByte(id))
            FlushPending(text);
        if (_plan.IsSpaced && !isFirst)
            Emit(" ", text);
        if (isFirst && _plan.DroppedFromFirst != '\0')
        {
            var bytes = new List<byte>();
            _plan.Write(token, isFirst: true, bytes);
            Decode([.. bytes], text);
            return;
        }

        Decode(tokens.Bytes(id), text);
    }

    /// <summary>Appends one U+FFFD for each byte of a run that the caller found to be invalid.</summary>
    public void AppendReplacements(int count, ArrayBufferWriter<char> text)
    {
        _isFirst = false;
        FlushPending(text);
        for (var i = 0; i < count; i++)
            Emit("\uFFFD", text);
    }

    /// <summary>Ends the text: an incomplete character becomes U+FFFD.</summary>
    public void Flush(ArrayBufferWriter<char> text) => FlushPending(text);

    private void Decode(ReadOnlySpan<byte> bytes, ArrayBufferWriter<char> text)
    {
        if (_pendingCount == 0 && _stripLeft == 0 && Ascii.IsValid(bytes))
        {
            var destination = text.GetSpan(bytes.Length);
            Ascii.ToUtf16(bytes, destination, out var written);
            text.Advance(written);
            return;
        }

        while (!bytes.IsEmpty && _pendingCount > 0)
        {
            _pendingBytes |= (uint)bytes[0] << (8 * _pendingCount++);
            bytes = bytes[1..];
            DrainPending(text, atEnd: false);
        }

        while (!bytes.IsEmpty)
        {
            var status = Rune.DecodeFromUtf8(bytes, out var rune, out var consumed);
            if (status == OperationStatus.NeedMoreData)
            {
                foreach (var value in bytes)
                    _pendingBytes |= (uint)value << (8 * _pendingCount++);
                return;
            }

            EmitDecoded(status, rune, consumed, text);
            bytes = bytes[consumed..];
        }
    }

    private void FlushPending(ArrayBufferWriter<char> text)
    {
        if (_pendingCount > 0)
            DrainPending(text, atEnd: true);
    }

    private void DrainPending(ArrayBufferWriter<char> text, bool atEnd)
    {
        Span<byte> pending = stackalloc byte[4];
        while (_pendingCount > 0)
        {
            System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(pending, _pendingBytes);
            var status = Rune.DecodeFromUtf8(pending[.._pendingCount], out var rune, out var consumed);
            if (status == OperationStatus.NeedMoreData && !atEnd)
                return;
            EmitDecoded(status, rune, consumed, text);
            _pendingCount -= consumed;
            _pendingBytes = _pendingCount == 0 ? 0 : _pendingBytes >> (8 * consumed);
        }
    }

    private void EmitDecoded(OperationStatus status, Rune rune, int consumed, ArrayBufferWriter<char> text)
    {
        Span<char> characters = stackalloc char[2];
        var repeats = status == OperationStatus.Done || _plan.IsByteLevel ? 1 : consumed;
        for (var i = 0; i < repeats; i++)
            Emit(characters[..rune.EncodeToUtf16(characters)], text);
    }

    private void Emit(ReadOnlySpan<char> characters, ArrayBufferWriter<char> text)
    {
        while (_stripLeft > 0 && !characters.IsEmpty)
        {
            if (characters[0] != _plan.StripCharacter)
            {
                _stripLeft = 0;
                break;
            }

            _stripLeft--;
            characters = characters[1..];
        }

        text.Write(characters);
    }
}
