using System.Buffers;
using Parley.Tokenizer.Vocabulary;

namespace Parley.Tokenizer.Detokenization;

/// <summary>One sequence of a detokenize stream: decoder, then stop matcher, then what may be shown.</summary>
internal sealed class SequenceDecoder(
    TokenTable tokens, IReadOnlyList<string> stops, bool skipSpecialTokens, bool includeStop, int runBytesMax)
{
    private readonly IncrementalDecoder _decoder = new(tokens, skipSpecialTokens, runBytesMax);
    private readonly StopMatcher? _matcher = stops.Count == 0 ? null : new StopMatcher(stops);

    // Starts with what is held back, then new text.
    private readonly ArrayBufferWriter<char> _text = new(64);
    private int _tokensRead;

    // How many tokens had been read with each of the bytes that the decoder holds back.
    private readonly List<int> _heldTokens = [];

    public bool IsFinal { get; private set; }

    /// <summary>Decodes a batch. Ids must lie in the vocabulary.</summary>
    public DetokenizeUpdate Append(ReadOnlySpan<uint> ids)
    {
        foreach (var id in ids)
        {
            if (_decoder.Decides((int)id) && ReleaseRun((int)id) is { } endInRun)
                return Stopped(endInRun);
            var start = _text.WrittenCount;
            var held = _decoder.HeldCount;
            _decoder.Append((int)id, _text);
            _tokensRead++;
            if (_decoder.HeldCount > held)
                _heldTokens.Add(_tokensRead);
            if (FindStop(start) is { } end)
                return Stopped(end);
        }

        return Shown(_text.WrittenCount - (_matcher?.HeldLength ?? 0), isFinal: false);
    }

    /// <summary>Ends the sequence: what was held back is text after all.</summary>
    public DetokenizeUpdate End()
    {
        if (ReleaseRun(-1) is { } endInRun)
            return Stopped(endInRun);
        var start = _text.WrittenCount;
        _decoder.Flush(_text);
        return FindStop(start) is { } end ? Stopped(end) : Shown(_text.WrittenCount, isFinal: true);
    }

    // Byte by byte, so that a stop counts the tokens through the one that completed it and not those that came while it was held back.
    private int? ReleaseRun(int id)
    {
        _decoder.BeginRelease(id);
        for (var i = 0; _decoder.HeldCount > 0; i++)
        {
            var start = _text.WrittenCount;
            _decoder.ReleaseNext(_text);
            if (FindStop(start) is not { } end)
                continue;
            _tokensRead = _heldTokens[i];
            return end;
        }

        _heldTokens.Clear();
        return null;
    }

    private int? FindStop(int start)
    {
        if (_matcher is null)
            return null;
        var text = _text.WrittenSpan;
        for (var i = start; i < text.Length; i++)
        {
            if (_matcher.Read(text[i]) == StopMatcher.State.Stopped)
                return i + 1;
        }

        return null;
    }

    private DetokenizeUpdate Stopped(int end)
    {
        var stop = _matcher!.Stop!;
        return Shown(includeStop ? end : end - stop.Length, isFinal: true);
    }

    private DetokenizeUpdate Shown(int length, bool isFinal)
    {
        IsFinal = isFinal;
        var shown = _text.WrittenSpan[..length].ToString();
        if (length == _text.WrittenCount)
        {
            _text.ResetWrittenCount();
        }
        else if (length > 0)
        {
            var held = _text.WrittenSpan[length..].ToArray();
            _text.ResetWrittenCount();
            _text.Write(held);
        }

        return new DetokenizeUpdate(shown, _tokensRead, _matcher?.Stop, isFinal);
    }
}
