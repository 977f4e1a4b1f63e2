using Parley.Gateway.Responses.Patterns;
using Parley.Gateway.Responses.Templates;
using Parley.Gateway.Responses.Values;

namespace Parley.Gateway.Responses.Reading;

/// <summary>
/// Reads an answer by a response template as it comes in, and tells each thing as soon as it is certain. However the text is cut, the
/// events are those of transformers 5.23's parser on the whole; it never throws for what an answer holds.
/// </summary>
/// <remarks>
/// All delimiters that count in the present state are looked for side by side, character by character (<see cref="PatternScan"/>): in an
/// explicit region its own close, else every open and the implicit field's close. Of several the earliest counts, then the longest, an
/// open before a close, then the name.
/// </remarks>
internal sealed class ResponseReader
{
    private readonly ResponseTemplate _template;
    private readonly ToolSchemas _tools;
    private readonly PatternBudget _budget = new();
    private readonly (ResponseField Field, bool IsOpen, PatternScan Scan)[] _outside;
    private readonly Dictionary<string, (ResponseField Field, bool IsOpen, PatternScan Scan)[]> _inside;
    private (ResponseField Field, bool IsOpen, PatternScan Scan)[] _watched;
    private char[] _text = new char[256];
    private int _length;
    private int _at;
    private int _told;
    private ResponseField? _current;
    private IReadOnlyDictionary<string, string> _captures = new Dictionary<string, string>();
    private int _textAt;
    private bool _isOpen;
    private bool _isStuck;
    private bool _isExhausted;
    private int _emptyMatches;

    /// <param name="template">Says what opens and closes.</param>
    /// <param name="tools">Say what arguments are.</param>
    public ResponseReader(ResponseTemplate template, ToolSchemas tools)
    {
        (_template, _tools) = (template, tools);
        _outside = [
            .. template.Fields.Values.Where(field => field.Open is not null)
                .Select(field => (field, true, new PatternScan(field.Open!, 0))),
            .. template.Implicit is { Close: { } close } leftover ? [(leftover, false, new PatternScan(close, 0))]
                : Array.Empty<(ResponseField, bool, PatternScan)>(),
        ];
        _inside = template.Fields.Values.Where(field => field.Open is not null).ToDictionary(
            field => field.Name,
            field => field.Close is null ? [] : new[] { (field, false, new PatternScan(field.Close, 0)) },
            StringComparer.Ordinal);
        _watched = _outside;
        _current = template.Implicit;
    }

    /// <summary>The field whose region is open, or that takes what comes; null where text is dropped.</summary>
    public ResponseField? Current => _current;

    /// <summary>All that was read.</summary>
    public ReadOnlySpan<char> Text => _text.AsSpan(0, _length);

    /// <summary>Characters before this place have been told, dropped, or were delimiters.</summary>
    public int Told => _told;

    /// <summary>
    /// Patterns and answer were made for each other: no delimiter is looked for any more, and what comes is the region's text.
    /// </summary>
    public bool IsExhausted => _isExhausted;

    /// <summary>Reads more.</summary>
    /// <param name="text">What comes next.</param>
    /// <param name="events">Receives what is certain by it.</param>
    public void Read(ReadOnlySpan<char> text, List<ResponseEvent> events)
    {
        if (_length + text.Length > _text.Length)
            Array.Resize(ref _text, Math.Max(_length + text.Length, 2 * _text.Length));
        text.CopyTo(_text.AsSpan(_length));
        _length += text.Length;
        _budget.Earn(text.Length);
        Process(isWhole: false, events);
    }

    /// <summary>Nothing more comes.</summary>
    public void Finish(List<ResponseEvent> events) => Process(isWhole: true, events);

    /// <summary>What a region that is over would have meant had its text ended earlier.</summary>
    public ResponseEvent.Closed Reread(
        ResponseEvent.Closed closed, int textAt, int textEnd, IReadOnlyDictionary<string, string> captures) =>
        Value(closed.Field, captures, Text[textAt..textEnd].ToString(), textEnd, closed.End);

    private void Process(bool isWhole, List<ResponseEvent> events)
    {
        if (_isStuck)
            return;
        try
        {
            while (!_isExhausted && Advance(isWhole) is { } found)
            {
                if (!Take(found, events))
                    return;
            }
        }
        catch (PatternException)
        {
            _isExhausted = true;
        }

        Tell(_isExhausted || isWhole ? _length : Held(), events);
        if (isWhole)
            CloseRegion(_length, _length, events);
    }

    /// <summary>Reads on until a delimiter is certain; null where there is none in what is there.</summary>
    private (ResponseField Field, bool IsOpen, PatternMatch Match, Pattern Pattern)? Advance(bool isWhole)
    {
        if (_watched.Length == 0)
            return null;
        while (true)
        {
            var isReady = true;
            foreach (var (_, _, scan) in _watched)
            {
                if (scan.Settled is not null || scan.At > _at)
                    continue;
                isReady &= scan.Close(Text, isWhole, _budget);
                if (isWhole && _at >= _length)
                    scan.End();
            }

            if (Best() is { } best)
                return best;
            // Half a pair waits for its other half.
            if (!isReady || _at >= _length || (!isWhole && _at == _length - 1 && char.IsHighSurrogate(_text[_at])))
                return null;
            CodePoints.At(Text, _at, out var length);
            _at += length;
            foreach (var (_, _, scan) in _watched)
            {
                if (scan.Settled is null)
                    scan.Read(Text, _budget);
            }
        }
    }

    /// <summary>The delimiter that counts, where none that began earlier or with it can still come.</summary>
    private (ResponseField Field, bool IsOpen, PatternMatch Match, Pattern Pattern)? Best()
    {
        (ResponseField Field, bool IsOpen, PatternMatch Match, Pattern Pattern)? best = null;
        var held = int.MaxValue;
        foreach (var (field, isOpen, scan) in _watched)
        {
            if (scan.Settled is not { } match)
            {
                if (scan.IsAlive)
                    held = Math.Min(held, scan.HeldFrom);
                continue;
            }

            if (best is not { } other || IsBefore(field, isOpen, match, other))
                best = (field, isOpen, match, scan.Pattern);
        }

        return best is { } found && found.Match.Start < held ? found : null;
    }

    private static bool IsBefore(
        ResponseField field, bool isOpen, PatternMatch match, (ResponseField Field, bool IsOpen, PatternMatch Match, Pattern Pattern) other)
    {
        if (match.Start != other.Match.Start)
            return match.Start < other.Match.Start;
        if (match.Length != other.Match.Length)
            return match.Length > other.Match.Length;
        return isOpen != other.IsOpen ? isOpen : string.CompareOrdinal(field.Name, other.Field.Name) < 0;
    }

    /// <summary>Goes over a delimiter; false where reading goes no further.</summary>
    private bool Take((ResponseField Field, bool IsOpen, PatternMatch Match, Pattern Pattern) found, List<ResponseEvent> events)
    {
        var (field, isOpen, match, pattern) = found;
        Tell(match.Start, events);
        _emptyMatches = match.End > _told ? 0 : _emptyMatches + 1;
        _told = match.End;
        var hadText = _isOpen;
        CloseRegion(match.Start, match.End, events);
        if (isOpen)
        {
            (_current, _isOpen, _textAt) = (field, true, match.End);
            _captures = pattern.Names.Select(name => (name, Text: pattern.Captured(name, match, Text)))
                .Where(one => one.Text is not null).ToDictionary(one => one.name, one => one.Text!, StringComparer.Ordinal);
            events.Add(new ResponseEvent.Opened(field, match.Start, match.End, _captures));
        }
        else if (!hadText && match.Length == 0)
        {
            // As in transformers, nothing is read beyond an empty close of nothing.
            _isStuck = true;
            return false;
        }

        // Delimiters that match nothing open and close for ever at one place.
        _isExhausted |= _emptyMatches > 2 * _template.Fields.Count;
        Watch(_isOpen ? _inside[field.Name] : _outside);
        return true;
    }

    private void Watch((ResponseField Field, bool IsOpen, PatternScan Scan)[] watched)
    {
        _watched = watched;
        _at = _told;
        foreach (var (_, _, scan) in watched)
            scan.Restart(_at);
    }

    /// <summary>Where the first delimiter begins that may still come of what is there.</summary>
    private int Held()
    {
        var held = _watched.Length == 0 ? _length : _at;
        foreach (var (_, _, scan) in _watched)
            held = Math.Min(held, scan.HeldFrom);
        return held;
    }

    private void Tell(int end, List<ResponseEvent> events)
    {
        if (end <= _told)
            return;
        if (_current is not null)
        {
            if (!_isOpen)
            {
                _isOpen = true;
                _textAt = _told;
                events.Add(new ResponseEvent.Opened(_current, _told, _told, _captures));
            }

            events.Add(new ResponseEvent.Chunk(_current, _told, end - _told));
        }

        _told = end;
    }

    private void CloseRegion(int textEnd, int end, List<ResponseEvent> events)
    {
        if (_current is not null && _isOpen)
            events.Add(Value(_current, _captures, Text[_textAt..textEnd].ToString(), textEnd, end));
        (_current, _isOpen, _captures) = (_template.Implicit, false, new Dictionary<string, string>());
    }

    private ResponseEvent.Closed Value(
        ResponseField field, IReadOnlyDictionary<string, string> captures, string text, int textEnd, int end)
    {
        try
        {
            var value = ResponseTransform.Apply(field, field.Content.Parse(text, _budget), captures);
            if (!_tools.IsEmpty)
                value = _tools.Cast(value);
            return new ResponseEvent.Closed(field, textEnd, end, value, null);
        }
        catch (Exception exception) when (exception is ResponseFormatException or PatternException)
        {
            return new ResponseEvent.Closed(field, textEnd, end, null, exception.Message);
        }
    }
}
