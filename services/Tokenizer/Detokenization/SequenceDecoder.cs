using System.Buffers;
using Parley.TokenizerFormat;

namespace Parley.Tokenizer.Detokenization;

/// <summary>One sequence of a detokenize stream: decoder, then stop matcher, then what may be shown.</summary>
/// <remarks>
/// Stops are looked for in all of the text, as transformers' <c>StopStringCriteria</c> does: special tokens stand in it though readers
/// may not see them, and so does the first space that a decoder drops.
/// </remarks>
internal sealed class SequenceDecoder
{
    private readonly SequenceSettings _settings;
    private readonly IncrementalDecoder _decoder;
    private readonly StopMatcher? _matcher;
    private readonly HiddenRanges? _hidden;

    // Starts with what is held back, then new text.
    private readonly ArrayBufferWriter<char> _text = new(64);
    private int _tokensRead;

    // How many tokens had been read with each of those that the decoder holds back.
    private readonly List<int> _heldTokens = [];
    private string? _stop;

    public SequenceDecoder(TokenTable tokens, SequenceSettings settings, int runBytesMax)
    {
        _settings = settings;
        if (settings.Stops.Count > 0)
            _matcher = new StopMatcher(settings.Stops);
        if (settings.Stops.Count > 0 || settings.MarksSpecialTokens)
            _hidden = new HiddenRanges();
        _decoder = new IncrementalDecoder(tokens, settings.SkipSpecialTokens, runBytesMax, _hidden);
        _decoder.ReadPrefix(settings.PrefixIds);
    }

    public bool IsFinal { get; private set; }

    /// <summary>Decodes a batch.</summary>
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
            if (FindStop(start, _tokensRead) is { } end)
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
        return FindStop(start, _tokensRead) is { } end ? Stopped(end) : Shown(_text.WrittenCount, isFinal: true);
    }

    // Byte by byte, so that a stop counts the tokens through the one that completed it and not those that came while it was held back.
    private int? ReleaseRun(int id)
    {
        _decoder.BeginRelease(id);
        for (var i = 0; _decoder.HeldCount > 0; i++)
        {
            var start = _text.WrittenCount;
            _decoder.ReleaseNext(_text);
            if (FindStop(start, _heldTokens[i]) is not { } end)
                continue;
            _tokensRead = _heldTokens[i];
            return end;
        }

        _heldTokens.Clear();
        return null;
    }

    private int? FindStop(int start, int tokensRead)
    {
        if (_matcher is null)
            return null;
        var text = _text.WrittenSpan;
        for (var i = start; i < text.Length; i++)
        {
            if (_matcher.Read(text[i]) != StopMatcher.State.Stopped)
                continue;
            if (tokensRead > _settings.MinTokens)
                return i + 1;
            _matcher.PassOver();
        }

        return null;
    }

    private DetokenizeUpdate Stopped(int end)
    {
        _stop = _matcher!.Stop!;
        var update = Shown(end - _stop.Length, isFinal: true);
        // All of it, special tokens too: whoever wants to see the stop wants to see which.
        return _settings.IncludeStop ? update with { Text = update.Text + _stop } : update;
    }

    private DetokenizeUpdate Shown(int length, bool isFinal)
    {
        IsFinal = isFinal;
        var special = _settings.MarksSpecialTokens ? _hidden!.Within(length) : null;
        var shown = special is null && _hidden is not null
            ? _hidden.Visible(_text.WrittenSpan[..length]) : _text.WrittenSpan[..length].ToString();
        _hidden?.Drop(length);
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

        return new DetokenizeUpdate(shown, _tokensRead, _stop, isFinal, special);
    }
}
