using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Parley.Gateway.Responses.Values;

/// <summary>Calls as Python writes them, <c>[weather(city="Köln", days=3), now()]</c>: a list of names and arguments.</summary>
internal ref struct PythonCalls
{
    private const int DepthMax = 100;

    private readonly ReadOnlySpan<char> _text;
    private int _at;
    private int _depth;

    private PythonCalls(ReadOnlySpan<char> text) => _text = text;

    /// <summary>Each call as <c>{"name": …, "arguments": {…}}</c>.</summary>
    /// <exception cref="ResponseFormatException">These are no calls.</exception>
    public static JsonArray Parse(ReadOnlySpan<char> text)
    {
        var parser = new PythonCalls(text);
        var calls = new JsonArray();
        var isList = parser.Take('[');
        while (!(isList && parser.Take(']')))
        {
            calls.Add((JsonNode)parser.ReadCall());
            if (parser.Take(','))
                continue;
            if (isList && !parser.Take(']'))
                throw parser.Fault("',' or ']'");
            break;
        }

        parser.SkipSpace();
        return parser._at == text.Length ? calls : throw parser.Fault("nothing more");
    }

    private JsonObject ReadCall()
    {
        var name = ReadName(dots: true);
        if (!Take('('))
            throw Fault("'('");
        var arguments = new JsonObject();
        while (!Take(')'))
        {
            var key = ReadName(dots: false);
            if (!Take('='))
                throw Fault("'='");
            arguments[key] = ReadValue();
            if (!Take(',') && !Peek(')'))
                throw Fault("',' or ')'");
        }

        return new JsonObject { ["name"] = name, ["arguments"] = arguments };
    }

    private string ReadName(bool dots)
    {
        SkipSpace();
        var start = _at;
        while (_at < _text.Length && (char.IsLetterOrDigit(_text[_at]) || _text[_at] == '_' || (dots && _text[_at] is '.' or '-')))
            _at++;
        return _at > start ? _text[start.._at].ToString() : throw Fault("a name");
    }

    private JsonNode? ReadValue()
    {
        if (++_depth > DepthMax)
            throw Fault("fewer levels");
        SkipSpace();
        if (_at >= _text.Length)
            throw Fault("a value");
        var value = _text[_at] switch
        {
            '"' or '\'' => JsonValue.Create(ReadString()),
            '[' => ReadItems('[', ']'),
            '(' => ReadItems('(', ')'),
            '{' => ReadObject(),
            _ => ReadWord(),
        };
        _depth--;
        return value;
    }

    private JsonArray ReadItems(char open, char close)
    {
        Take(open);
        var items = new JsonArray();
        while (!Take(close))
        {
            items.Add(ReadValue());
            if (!Take(',') && !Peek(close))
                throw Fault($"',' or '{close}'");
        }

        return items;
    }

    private JsonObject ReadObject()
    {
        Take('{');
        var node = new JsonObject();
        while (!Take('}'))
        {
            SkipSpace();
            if (!Peek('"') && !Peek('\''))
                throw Fault("a key");
            var key = ReadString();
            if (!Take(':'))
                throw Fault("':'");
            node[key] = ReadValue();
            if (!Take(',') && !Peek('}'))
                throw Fault("',' or '}'");
        }

        return node;
    }

    private string ReadString()
    {
        var quote = _text[_at++];
        var text = new StringBuilder();
        while (_at < _text.Length)
        {
            var one = _text[_at++];
            if (one == quote)
                return text.ToString();
            if (one != '\\' || _at >= _text.Length)
            {
                text.Append(one);
                continue;
            }

            var escape = _text[_at++];
            if (escape is 'u' or 'x')
            {
                var digits = escape == 'u' ? 4 : 2;
                if (_at + digits > _text.Length || !ushort.TryParse(
                    _text.Slice(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code))
                {
                    throw Fault("hexadecimal digits");
                }

                text.Append((char)code);
                _at += digits;
                continue;
            }

            text.Append(escape switch { 'n' => '\n', 't' => '\t', 'r' => '\r', 'b' => '\b', 'f' => '\f', _ => escape });
        }

        throw Fault("the end of a string");
    }

    private JsonNode? ReadWord()
    {
        var start = _at;
        while (_at < _text.Length && (char.IsLetterOrDigit(_text[_at]) || _text[_at] is '_' or '.' or '+' or '-'))
            _at++;
        var word = _text[start.._at].ToString();
        switch (word)
        {
            case "True" or "true":
                return JsonValue.Create(true);
            case "False" or "false":
                return JsonValue.Create(false);
            case "None" or "null":
                return null;
        }

        if (PythonText.TryInteger(word, out var whole))
            return PythonJson.Number(whole);
        return PythonText.TryFloat(word, out var number) && double.IsFinite(number) ? JsonValue.Create(number) : throw Fault("a value");
    }

    private void SkipSpace()
    {
        while (_at < _text.Length && PythonText.IsSpace(_text[_at]))
            _at++;
    }

    private bool Peek(char expected)
    {
        SkipSpace();
        return _at < _text.Length && _text[_at] == expected;
    }

    private bool Take(char expected)
    {
        if (!Peek(expected))
            return false;
        _at++;
        return true;
    }

    private readonly ResponseFormatException Fault(string expected) => new($"calls: {expected} is expected at {_at}");
}
