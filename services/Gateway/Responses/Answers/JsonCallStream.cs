using System.Text;
using Parley.Gateway.Responses.Values;

namespace Parley.Gateway.Responses.Answers;

/// <summary>
/// Follows the JSON of a region and tells arguments as they are written, character by character. Where it meets what no JSON can hold, it
/// tells no more: the region's end decides.
/// </summary>
/// <param name="shape">Where name and arguments stand.</param>
/// <param name="captured">The name, where the delimiter has it.</param>
/// <param name="tools">Whose functions are told early, and what their arguments are where they are written as texts.</param>
internal sealed class JsonCallStream(CallShape shape, string? captured, ToolSchemas tools) : ICallStream
{
    private const string OutsideStrings = "{}[]:,\"0123456789+-.eEtrufalsn \t\r\n";

    private readonly List<char> _open = [];
    private readonly StringBuilder _string = new();
    private readonly StringBuilder _out = new();
    private string? _name = captured;
    private string _key = "";
    private string _argument = "";
    private int _at;
    private int _emitDepth;
    private bool _inString;
    private bool _isEscaped;
    private bool _isKey;
    private bool _expectsKey;
    private bool _isHeld;
    private bool _isOver;

    public int Started { get; private set; }

    private int ElementDepth => shape.IsList ? 2 : 1;

    private bool IsEmitting => _emitDepth > 0;

    public void Read(ReadOnlySpan<char> region, bool isWhole, CallSink sink)
    {
        for (; _at < region.Length && !_isOver; _at++)
        {
            if (_inString)
                InString(region[_at]);
            else if (OutsideStrings.Contains(region[_at]))
                Outside(region[_at], sink);
            else
                _isOver = true;
        }

        Flush(sink);
    }

    private void Flush(CallSink sink)
    {
        sink.Add(_out.ToString());
        _out.Clear();
    }

    private void InString(char one)
    {
        _string.Append(one);
        if (IsEmitting && !_isHeld)
            _out.Append(one);
        if (one < ' ')
            _isOver = true;
        else if (_isEscaped)
            _isEscaped = false;
        else if (one == '\\')
            _isEscaped = true;
        else if (one == '"')
            EndString();
    }

    private void EndString()
    {
        _inString = false;
        var raw = _string.ToString();
        _string.Clear();
        string text;
        try
        {
            text = PythonTruth.Text(PythonJson.Parse(raw))!;
        }
        catch (ResponseFormatException)
        {
            _isOver = true;
            return;
        }

        if (_isHeld)
        {
            _isHeld = false;
            var cast = ToolSchemas.Cast(text, tools.TypesOf(_name!, _argument));
            _out.Append(PythonTruth.Text(cast) is null ? CallValues.Text(cast) : raw);
        }
        else if (_isKey && IsEmitting && _open.Count == _emitDepth)
        {
            _argument = text;
        }
        else if (_isKey && _open.Count == ElementDepth)
        {
            _key = text;
        }
        else if (!_isKey && !IsEmitting && _open.Count == ElementDepth && _key == shape.NameKey)
        {
            _name = text;
        }
    }

    private void Outside(char one, CallSink sink)
    {
        switch (one)
        {
            case '"':
                _inString = true;
                _isKey = _expectsKey && _open.Count > 0 && _open[^1] == '{';
                _isHeld = IsEmitting && !_isKey && _open.Count == _emitDepth && IsCast(tools.TypesOf(_name!, _argument));
                _string.Append(one);
                break;
            case '{' or '[':
                _open.Add(one);
                _expectsKey = one == '{';
                if (one == '{' && !IsEmitting)
                    Begin(sink);
                break;
            case '}' or ']':
                Close(one);
                return;
            case ',':
                _expectsKey = _open.Count > 0 && _open[^1] == '{';
                break;
            case ':':
                _expectsKey = false;
                break;
        }

        if (IsEmitting && !_isHeld)
            _out.Append(one);
    }

    /// <summary>An object begins: it may be a call, or a call's arguments.</summary>
    private void Begin(CallSink sink)
    {
        var isArguments = shape.ArgumentsKey is null
            ? _open.Count == ElementDepth
            : _open.Count == ElementDepth + 1 && _open[ElementDepth - 1] == '{' && _key == shape.ArgumentsKey;
        if (_open.Count == ElementDepth && shape.NameKey is not null)
            (_name, _key) = (null, "");
        if (!isArguments)
            return;
        Flush(sink);
        // What stands before its name, or names nothing that was offered, waits for the region's end.
        if (_name is null || !tools.Knows(_name) || !sink.Start(_name))
        {
            _isOver = true;
            return;
        }

        Started++;
        _emitDepth = _open.Count;
    }

    private void Close(char one)
    {
        if (_open.Count == 0 || (_open[^1] == '{') != (one == '}'))
        {
            _isOver = true;
            return;
        }

        if (IsEmitting)
            _out.Append(one);
        if (_open.Count == _emitDepth)
            _emitDepth = 0;
        _open.RemoveAt(_open.Count - 1);
        _expectsKey = false;
        if (_open.Count == ElementDepth)
            _key = "";
    }

    private static bool IsCast(IReadOnlyList<string> types) => types.Count > 0 && types[0] != "string";
}
