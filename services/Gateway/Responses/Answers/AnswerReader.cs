using System.Text;
using Parley.Gateway.Responses.Formats;
using Parley.Gateway.Responses.Patterns;
using Parley.Gateway.Responses.Reading;
using Parley.Gateway.Responses.Templates;
using Parley.Gateway.Responses.Values;

namespace Parley.Gateway.Responses.Answers;

/// <summary>
/// What the server makes of an answer: content, reasoning and calls, told as they come and never taken back. It does not fail: a region
/// that is not what its field says is content as it stands, and so is a call where no tools were offered.
/// </summary>
internal sealed class AnswerReader
{
    private readonly ResponseReader _reader;
    private readonly ToolSchemas _tools;
    private readonly CallSink _sink;
    private readonly TextLane _content;
    private readonly TextLane _reasoning;
    private readonly Dictionary<ResponseField, Pattern?> _tags = [];
    private readonly List<(int Start, int End)> _special = [];
    private readonly List<ResponseEvent> _events = [];
    private ICallStream? _stream;
    private int _callsBefore;
    private bool _isBroken;
    private int _regionAt;
    private int _textAt;
    private IReadOnlyDictionary<string, string> _captures = new Dictionary<string, string>();

    /// <param name="format">Of the model.</param>
    /// <param name="prompt">What the answer goes on from; a template may have opened a region in it.</param>
    /// <param name="toolsJson">The tools that were offered.</param>
    /// <param name="isSingle">Only the first call is told.</param>
    public AnswerReader(ResponseFormat format, string prompt, IEnumerable<string> toolsJson, bool isSingle)
    {
        _tools = new ToolSchemas(toolsJson.Select(tool => PythonJson.Parse(tool)));
        _sink = new CallSink(format.CallIdCharacters, isSingle);
        _reader = new ResponseReader(format.Template, _tools);
        var fields = format.Template.Fields.Values;
        _content = Lane(fields.FirstOrDefault(field => KindOf(field) == FieldKind.Content));
        _reasoning = Lane(fields.FirstOrDefault(field => KindOf(field) == FieldKind.Reasoning));
        foreach (var field in fields)
            _tags[field] = field.Content.TagPattern;
        Open(format.Template, prompt);
    }

    /// <summary>What a field of a response template is to a chat.</summary>
    private enum FieldKind
    {
        Other,
        Content,
        Reasoning,
        Calls,
    }

    /// <summary>The model is thinking, not answering.</summary>
    public bool IsReasoning => _reader.Current is { } current && KindOf(current) == FieldKind.Reasoning;

    /// <summary>A region of calls is open.</summary>
    public bool IsInCall => _reader.Current is { } current && KindOf(current) == FieldKind.Calls;

    /// <summary>Calls that stand.</summary>
    public int Calls => _sink.Standing;

    /// <summary>Reads more.</summary>
    /// <param name="text">As the Tokenizer wrote it, special tokens included.</param>
    /// <param name="special">Where special tokens stand in it: content and reasoning do not show them.</param>
    /// <param name="parts">Receives what is certain by it.</param>
    public void Read(ReadOnlySpan<char> text, IReadOnlyList<(int Start, int Length)> special, List<AnswerPart> parts)
    {
        var before = _reader.Text.Length;
        foreach (var (start, length) in special)
            _special.Add((before + start, before + start + length));
        _events.Clear();
        _reader.Read(text, _events);
        Tell(parts);
    }

    /// <summary>Nothing more comes.</summary>
    public void Finish(List<AnswerPart> parts)
    {
        _events.Clear();
        _reader.Finish(_events);
        Tell(parts);
    }

    private static TextLane Lane(ResponseField? field) => new(field?.Content.Strips ?? true, field?.Join);

    private static FieldKind KindOf(ResponseField field) => field.Name switch
    {
        "content" => FieldKind.Content,
        "reasoning_content" or "reasoning" or "thinking" => FieldKind.Reasoning,
        "tool_calls" => FieldKind.Calls,
        var name when name.EndsWith("_tool_calls", StringComparison.Ordinal) => FieldKind.Calls,
        _ => FieldKind.Other,
    };

    /// <summary>What the prompt has opened is open; its text is no part of the answer.</summary>
    private void Open(ResponseTemplate template, string prompt)
    {
        try
        {
            var opening = template.Opening(prompt, out var isAnchored);
            if (!isAnchored)
                return;
            _reader.Read(opening, _events);
        }
        catch (PatternException)
        {
            // A pattern that takes too long to find where the answer begins has not found it.
            return;
        }

        if (_events.OfType<ResponseEvent.Opened>().LastOrDefault() is { } opened && _reader.Current == opened.Field)
        {
            (_regionAt, _textAt) = (opened.At, opened.TextAt);
            var kind = KindOf(opened.Field);
            if (kind is FieldKind.Content or FieldKind.Reasoning && !_reader.Text[_textAt..].IsWhiteSpace())
                (kind == FieldKind.Content ? _content : _reasoning).Continue();
        }
    }

    private void Tell(List<AnswerPart> parts)
    {
        foreach (var happened in _events)
        {
            switch (KindOf(happened.Field))
            {
                case FieldKind.Content:
                    TellText(happened, _content, parts);
                    break;
                case FieldKind.Reasoning:
                    TellText(happened, _reasoning, parts);
                    break;
                case FieldKind.Calls when _tools.IsEmpty:
                    TellRaw(happened, parts);
                    break;
                case FieldKind.Calls:
                    TellCalls(happened, parts);
                    _sink.MoveTo(parts);
                    break;
            }
        }
    }

    private void TellText(ResponseEvent happened, TextLane lane, List<AnswerPart> parts)
    {
        if (happened is ResponseEvent.Opened)
            lane.Open();
        else if (happened is ResponseEvent.Chunk chunk)
            Add(lane, chunk.At, chunk.At + chunk.Length, parts);
    }

    /// <summary>A call that nobody can have asked for is text.</summary>
    private void TellRaw(ResponseEvent happened, List<AnswerPart> parts)
    {
        switch (happened)
        {
            case ResponseEvent.Opened opened:
                Add(_content, opened.At, opened.TextAt, parts);
                break;
            case ResponseEvent.Chunk chunk:
                Add(_content, chunk.At, chunk.At + chunk.Length, parts);
                break;
            case ResponseEvent.Closed closed:
                Add(_content, closed.TextEnd, closed.End, parts);
                break;
        }
    }

    private void TellCalls(ResponseEvent happened, List<AnswerPart> parts)
    {
        switch (happened)
        {
            case ResponseEvent.Opened opened:
                (_regionAt, _textAt, _callsBefore) = (opened.At, opened.TextAt, _sink.Count);
                (_stream, _isBroken, _captures) = (Stream(opened), false, opened.Captures);
                break;
            case ResponseEvent.Chunk chunk:
                Advance(chunk.At + chunk.Length, isWhole: false);
                break;
            case ResponseEvent.Closed closed:
                CloseCalls(closed, parts);
                break;
        }
    }

    private void CloseCalls(ResponseEvent.Closed closed, List<AnswerPart> parts)
    {
        // A special token that has ended the answer, and no format knew that it might, is no part of what it left open.
        if (closed.Fault is not null && closed.TextEnd == closed.End && _special.Count > 0 && _special[^1] is var (start, end)
            && end == closed.End && start >= _textAt)
        {
            closed = _reader.Reread(closed, _textAt, start, _captures);
        }

        var calls = closed.Fault is null ? CallValues.Of(closed.Value) : null;
        if (calls is not null)
            Advance(closed.TextEnd, isWhole: true);
        var started = _stream?.Started ?? 0;
        _stream = null;
        if (calls is null || calls.Count < started || (_isBroken && started > 0))
        {
            _sink.DropFrom(_callsBefore);
            _sink.MoveTo(parts);
            Add(_content, _regionAt, closed.End, parts);
            return;
        }

        foreach (var (name, arguments) in calls.Skip(started))
        {
            if (_sink.Start(name))
                _sink.Add(arguments);
        }
    }

    private void Advance(int end, bool isWhole)
    {
        try
        {
            if (!_isBroken)
                _stream?.Read(_reader.Text[_textAt..end], isWhole, _sink);
        }
        catch (Exception exception) when (exception is PatternException or ArgumentException or InvalidOperationException)
        {
            // A pattern's budget is spent, or JSON has no word for a value. What has not begun can still be told at the region's end.
            _isBroken = true;
        }
    }

    private ICallStream? Stream(ResponseEvent.Opened opened)
    {
        var field = opened.Field;
        if (CallShape.Of(field) is not { } shape)
            return null;
        var captured = shape.NameCapture is null ? null : opened.Captures.GetValueOrDefault(shape.NameCapture);
        if (field.Content.IsPlainJson)
            return new JsonCallStream(shape, captured, _tools);
        return _tags[field] is { } tag && captured is not null && shape is { IsList: false, ArgumentsKey: null }
            ? new TagCallStream(tag, captured, _tools) : null;
    }

    private void Add(TextLane lane, int start, int end, List<AnswerPart> parts)
    {
        var text = lane.Add(Visible(start, end));
        if (text.Length > 0)
            parts.Add(ReferenceEquals(lane, _content) ? new AnswerPart.Content(text) : new AnswerPart.Reasoning(text));
    }

    /// <summary>The first special token that ends behind a place.</summary>
    private int FirstSpecial(int start)
    {
        var (low, high) = (0, _special.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_special[middle].End > start)
                high = middle;
            else
                low = middle + 1;
        }

        return low;
    }

    /// <summary>A part of the text without its special tokens.</summary>
    private ReadOnlySpan<char> Visible(int start, int end)
    {
        var index = FirstSpecial(start);
        if (index >= _special.Count || _special[index].Start >= end)
            return _reader.Text[start..end];
        var visible = new StringBuilder(end - start);
        for (; index < _special.Count && _special[index].Start < end; index++)
        {
            if (_special[index].Start > start)
                visible.Append(_reader.Text[start.._special[index].Start]);
            start = Math.Max(start, Math.Min(end, _special[index].End));
        }

        return visible.Append(_reader.Text[start..end]).ToString();
    }
}
