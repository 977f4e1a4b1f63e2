using System.Buffers;
using System.Text;
using Parley.Tokenizer.Vocabulary;

namespace Parley.Tokenizer.Detokenization;

/// <summary>
/// Token ids → text as they come, for one sequence. Holds back the bytes of an incomplete character, at most three, and in byte-fallback
/// vocabularies a run of byte tokens; however the ids are cut into batches, the text is the same.
/// </summary>
/// <remarks>
/// Invalid bytes become U+FFFD: one for each maximal invalid part in byte-level vocabularies, one for each byte in byte-fallback
/// vocabularies. There the reference replaces a whole run of byte tokens once one of them is invalid, valid characters included, so what
/// a run means is known at its end only. Runs longer than the bound are shown as they come from there on; their text differs from the
/// reference's when they are malformed, which is the price of a bound. See docs/decisions/0003.
/// </remarks>
/// <param name="tokens">The vocabulary.</param>
/// <param name="skipSpecialTokens">Leave special tokens out.</param>
/// <param name="runBytesMax">How many byte tokens in a row are held back; 0 shows them as they come.</param>
internal sealed class IncrementalDecoder(TokenTable tokens, bool skipSpecialTokens, int runBytesMax)
{
    private readonly DecodePlan _plan = tokens.Plan;
    private uint _pendingBytes;
    private int _pendingCount;
    private int _stripLeft = tokens.Plan.StripStart;
    private bool _isFirst = true;
    private byte[] _run = [];
    private int _runStart;
    private int _runEnd;
    private bool _runIsReplaced;
    private bool _runIsLive;

    /// <summary>How many byte tokens are held back.</summary>
    public int HeldCount => _runEnd - _runStart;

    /// <summary>Decodes one id and appends what is complete.</summary>
    /// <param name="id">An id of the vocabulary.</param>
    /// <param name="text">Receives whole characters.</param>
    public void Append(int id, ArrayBufferWriter<char> text)
    {
        if (IsSkipped(id))
            return;
        if (Decides(id))
            ReleaseAll(id, text);
        var isFirst = _isFirst;
        _isFirst = false;
        if (tokens.IsByte(id))
        {
            if (runBytesMax > 0 && !_runIsLive)
                Hold(tokens.Bytes(id)[0]);
            else
                Decode(tokens.Bytes(id), text);
            return;
        }

        _runIsLive = false;
        if (!_plan.IsByteLevel)
            FlushPending(text);
        if (_plan.IsSpaced && !isFirst)
            Emit(" ", text);
        if (isFirst && _plan.DroppedFromFirst != '\0')
        {
            var bytes = new List<byte>();
            _plan.Write(tokens.Token(id)!, isFirst: true, bytes);
            Decode([.. bytes], text);
            return;
        }

        Decode(tokens.Bytes(id), text);
    }

    /// <summary>Whether an id, once it comes, says what the bytes held back mean.</summary>
    public bool Decides(int id) => HeldCount > 0 && !IsSkipped(id) && (!tokens.IsByte(id) || HeldCount == runBytesMax);

    /// <summary>Says what comes after the bytes held back, which <see cref="ReleaseNext"/> then shows.</summary>
    /// <param name="id">The id that decides, or −1 for the end.</param>
    public void BeginRelease(int id)
    {
        _runIsLive = id >= 0 && tokens.IsByte(id);
        _runIsReplaced = !_runIsLive && !System.Text.Unicode.Utf8.IsValid(_run.AsSpan(_runStart, HeldCount));
    }

    /// <summary>Shows the next of the bytes held back.</summary>
    public void ReleaseNext(ArrayBufferWriter<char> text)
    {
        var at = _runStart++;
        if (_runIsReplaced)
            Emit("\uFFFD", text);
        else
            Decode(_run.AsSpan(at, 1), text);
        if (HeldCount == 0)
            (_runStart, _runEnd) = (0, 0);
    }

    /// <summary>Ends the text: what is held back is shown, an incomplete character as U+FFFD.</summary>
    public void Flush(ArrayBufferWriter<char> text)
    {
        ReleaseAll(-1, text);
        FlushPending(text);
    }

    private bool IsSkipped(int id) => (skipSpecialTokens && tokens.IsSpecial(id)) || tokens.Token(id) is null;

    private void ReleaseAll(int id, ArrayBufferWriter<char> text)
    {
        BeginRelease(id);
        while (HeldCount > 0)
            ReleaseNext(text);
    }

    private void Hold(byte value)
    {
        if (_runEnd == _run.Length)
            Array.Resize(ref _run, Math.Max(16, 2 * _runEnd));
        _run[_runEnd++] = value;
    }

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
