using System.Buffers;
using System.Text;
using Parley.TokenizerFormat;

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
/// <param name="hidden">
/// Null leaves out of the text what is no part of it. Else skipped special tokens, and what is dropped from the start, are written as
/// well and marked here: whoever looks for stop strings wants all of it.
/// </param>
internal sealed class IncrementalDecoder(TokenTable tokens, bool skipSpecialTokens, int runBytesMax, HiddenRanges? hidden = null)
{
    // Above the bytes of a run: special tokens that came within it, and whose place in the text is known at its end only.
    private const int SpecialInRun = 1 << 8;

    private readonly DecodePlan _plan = tokens.Plan;
    private uint _pendingBytes;
    private int _pendingCount;
    private int _stripLeft = tokens.Plan.StripStart;
    private bool _isFirst = true;
    private int[] _run = [];
    private int _runStart;
    private int _runEnd;
    private bool _runIsReplaced;
    private bool _runIsLive;

    /// <summary>How many tokens are held back.</summary>
    public int HeldCount => _runEnd - _runStart;

    /// <summary>Decodes one id and appends what is complete.</summary>
    /// <param name="id">Any id; one without a token has no text.</param>
    /// <param name="text">Receives whole characters.</param>
    public void Append(int id, ArrayBufferWriter<char> text)
    {
        if (IsSkipped(id))
        {
            if (hidden is not null && HeldCount is > 0 and var held && held < runBytesMax)
                Hold(SpecialInRun + id);
            else
                WriteHidden(System.Text.Encoding.UTF8.GetString(tokens.Bytes(id)), text);
            return;
        }

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
            WriteFirst(id, text);
            return;
        }

        Decode(tokens.Bytes(id), text);
    }

    /// <summary>The text goes on another: nothing is dropped from its start.</summary>
    public void Continue() => (_isFirst, _stripLeft) = (false, 0);

    /// <summary>Reads what stands before the text and has been shown already.</summary>
    public void ReadPrefix(IReadOnlyList<uint> ids)
    {
        var shown = new ArrayBufferWriter<char>();
        foreach (var id in ids)
            Append((int)id, shown);
        ReleaseAll(-1, shown);
        hidden?.Drop(shown.WrittenCount);
    }

    /// <summary>Whether an id, once it comes, says what the bytes held back mean.</summary>
    public bool Decides(int id) => HeldCount > 0 && !IsSkipped(id) && (!tokens.IsByte(id) || HeldCount == runBytesMax);

    /// <summary>Says what comes after the bytes held back, which <see cref="ReleaseNext"/> then shows.</summary>
    /// <param name="id">The id that decides, or −1 for the end.</param>
    public void BeginRelease(int id)
    {
        _runIsLive = id >= 0 && tokens.IsByte(id);
        _runIsReplaced = !_runIsLive && !System.Text.Unicode.Utf8.IsValid(
            Array.ConvertAll(Array.FindAll(_run[_runStart.._runEnd], value => value < SpecialInRun), value => (byte)value));
    }

    /// <summary>Shows the next of the tokens held back.</summary>
    public void ReleaseNext(ArrayBufferWriter<char> text)
    {
        var value = _run[_runStart++];
        if (value >= SpecialInRun)
            WriteHidden(System.Text.Encoding.UTF8.GetString(tokens.Bytes(value - SpecialInRun)), text);
        else if (_runIsReplaced)
            Emit("\uFFFD", text);
        else
            Decode([(byte)value], text);
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

    private void Hold(int value)
    {
        if (_runEnd == _run.Length)
            Array.Resize(ref _run, Math.Max(16, 2 * _runEnd));
        _run[_runEnd++] = value;
    }

    // Of the first token characters may be dropped anywhere, each of them a space where a later token has one.
    private void WriteFirst(int id, ArrayBufferWriter<char> text)
    {
        var bytes = new List<byte>();
        _plan.Write(tokens.Token(id)!, isFirst: true, bytes);
        var shown = System.Text.Encoding.UTF8.GetString([.. bytes]).AsSpan();
        foreach (var character in System.Text.Encoding.UTF8.GetString(tokens.Bytes(id)))
        {
            if (shown.IsEmpty || shown[0] != character)
            {
                WriteHidden([character], text);
                continue;
            }

            Emit(shown[..1], text);
            shown = shown[1..];
        }
    }

    private void WriteHidden(ReadOnlySpan<char> characters, ArrayBufferWriter<char> text)
    {
        if (hidden is null || characters.IsEmpty)
            return;
        hidden.Add(text.WrittenCount, characters.Length);
        text.Write(characters);
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
            WriteHidden(characters[..1], text);
            characters = characters[1..];
        }

        text.Write(characters);
    }
}
