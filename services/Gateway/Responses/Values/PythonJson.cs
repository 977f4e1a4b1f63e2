using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Parley.Gateway.Responses.Values;

/// <summary>
/// JSON as Python's <c>json.loads</c> reads it: NaN and infinities are numbers, of a key that comes twice the last value counts, in the
/// place of the first, and half a pair is a character.
/// </summary>
internal ref struct PythonJson
{
    /// <summary>Python's own bound is that of its stack, some hundreds.</summary>
    private const int DepthMax = 500;

    private readonly ReadOnlySpan<char> _text;
    private int _at;
    private int _depth;

    private PythonJson(ReadOnlySpan<char> text) => _text = text;

    /// <summary>The value of a whole text; null is JSON's.</summary>
    /// <exception cref="ResponseFormatException">It is no JSON.</exception>
    public static JsonNode? Parse(ReadOnlySpan<char> text)
    {
        var parser = new PythonJson(text);
        parser.SkipSpace();
        var value = parser.ReadValue();
        parser.SkipSpace();
        return parser._at == text.Length ? value : throw parser.Fault("nothing more");
    }

    /// <summary>A whole number, however long.</summary>
    public static JsonValue Number(BigInteger value)
    {
        if (value >= long.MinValue && value <= long.MaxValue)
            return JsonValue.Create((long)value);
        using var document = JsonDocument.Parse(value.ToString(CultureInfo.InvariantCulture));
        return JsonValue.Create(document.RootElement.Clone())!;
    }

    private JsonNode? ReadValue()
    {
        if (_at >= _text.Length)
            throw Fault("a value");
        switch (_text[_at])
        {
            case '{':
                return Deeper(isObject: true);
            case '[':
                return Deeper(isObject: false);
            case '"':
                return JsonValue.Create(ReadString());
            case 't' when Take("true"):
                return JsonValue.Create(true);
            case 'f' when Take("false"):
                return JsonValue.Create(false);
            case 'n' when Take("null"):
                return null;
            case 'N' when Take("NaN"):
                return JsonValue.Create(double.NaN);
            case 'I' when Take("Infinity"):
                return JsonValue.Create(double.PositiveInfinity);
            case '-' when Take("-Infinity"):
                return JsonValue.Create(double.NegativeInfinity);
            default:
                return ReadNumber();
        }
    }

    private JsonNode Deeper(bool isObject)
    {
        if (++_depth > DepthMax)
            throw new ResponseFormatException($"JSON is nested more than {DepthMax} levels deep");
        _at++;
        JsonNode node = isObject ? ReadObject() : ReadArray();
        _depth--;
        return node;
    }

    private JsonObject ReadObject()
    {
        var node = new JsonObject();
        SkipSpace();
        if (Take("}"))
            return node;
        while (true)
        {
            SkipSpace();
            if (_at >= _text.Length || _text[_at] != '"')
                throw Fault("a key");
            var key = ReadString();
            SkipSpace();
            if (!Take(":"))
                throw Fault("':'");
            SkipSpace();
            node[key] = ReadValue();
            SkipSpace();
            if (Take("}"))
                return node;
            if (!Take(","))
                throw Fault("',' or '}'");
        }
    }

    private JsonArray ReadArray()
    {
        var node = new JsonArray();
        SkipSpace();
        if (Take("]"))
            return node;
        while (true)
        {
            SkipSpace();
            node.Add(ReadValue());
            SkipSpace();
            if (Take("]"))
                return node;
            if (!Take(","))
                throw Fault("',' or ']'");
        }
    }

    private string ReadString()
    {
        var text = new StringBuilder();
        for (_at++; _at < _text.Length;)
        {
            var one = _text[_at++];
            if (one == '"')
                return text.ToString();
            if (one < ' ')
                break;
            if (one != '\\')
            {
                text.Append(one);
                continue;
            }

            if (_at >= _text.Length)
                break;
            text.Append(_text[_at++] switch
            {
                '"' => '"',
                '\\' => '\\',
                '/' => '/',
                'b' => '\b',
                'f' => '\f',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => ReadHexadecimal(),
                _ => throw Fault("an escape"),
            });
        }

        throw Fault("the end of a string");
    }

    private char ReadHexadecimal()
    {
        if (_at + 4 > _text.Length || !ushort.TryParse(
            _text.Slice(_at, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
        {
            throw Fault("four hexadecimal digits");
        }

        _at += 4;
        return (char)value;
    }

    private JsonValue ReadNumber()
    {
        var start = _at;
        if (_at < _text.Length && _text[_at] == '-')
            _at++;
        var digits = _at;
        SkipDigits();
        if (_at == digits)
            throw Fault("a value");
        // As Python: what follows a leading zero is no part of the number.
        if (_text[digits] == '0')
            _at = digits + 1;
        var isWhole = true;
        if (_at + 1 < _text.Length && _text[_at] == '.' && char.IsAsciiDigit(_text[_at + 1]))
        {
            isWhole = false;
            _at++;
            SkipDigits();
        }

        if (_at < _text.Length && _text[_at] is 'e' or 'E')
        {
            var mark = _at++;
            if (_at < _text.Length && _text[_at] is '+' or '-')
                _at++;
            if (_at < _text.Length && char.IsAsciiDigit(_text[_at]))
            {
                isWhole = false;
                SkipDigits();
            }
            else
            {
                _at = mark;
            }
        }

        var shown = _text[start.._at].ToString();
        if (!isWhole)
            return JsonValue.Create(double.Parse(shown, NumberStyles.Float, CultureInfo.InvariantCulture));
        return PythonText.TryInteger(shown, out var value) ? Number(value) : throw Fault("a shorter number");
    }

    private void SkipDigits()
    {
        while (_at < _text.Length && char.IsAsciiDigit(_text[_at]))
            _at++;
    }

    private void SkipSpace()
    {
        while (_at < _text.Length && _text[_at] is ' ' or '\t' or '\n' or '\r')
            _at++;
    }

    private bool Take(string expected)
    {
        if (!_text[_at..].StartsWith(expected))
            return false;
        _at += expected.Length;
        return true;
    }

    private readonly ResponseFormatException Fault(string expected) => new($"JSON: {expected} is expected at {_at}");
}
