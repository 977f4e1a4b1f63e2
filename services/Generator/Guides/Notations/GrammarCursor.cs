using System.Globalization;
using System.Text;
using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Limits;

namespace Parley.Generator.Guides.Notations;

/// <summary>Reads the text of a grammar character by character and knows line and column of what it meets.</summary>
/// <param name="text">The grammar.</param>
internal sealed class GrammarCursor(string text)
{
    private const int NestingMax = 200;
    private int _depth;

    public int At { get; set; }

    public bool AtEnd => At >= text.Length;

    /// <summary>The next character; U+0000 at the end.</summary>
    public char Next => At < text.Length ? text[At] : '\0';

    /// <summary>What is still to be read.</summary>
    public ReadOnlySpan<char> Rest => text.AsSpan(At);

    /// <summary>What was read from a place on.</summary>
    public string From(int start) => text[start..At];

    /// <summary>A refusal that names the place where it is.</summary>
    public GuideException Fault(string message, int? at = null)
    {
        var before = text.AsSpan(0, Math.Min(at ?? At, text.Length));
        var line = before.Count('\n') + 1;
        var column = before.Length - before.LastIndexOf('\n');
        return new GuideException(string.Create(CultureInfo.InvariantCulture, $"line {line}, column {column}"), message);
    }

    /// <summary>Reads a text if it comes next.</summary>
    public bool Take(string expected)
    {
        if (!Rest.StartsWith(expected))
            return false;
        At += expected.Length;
        return true;
    }

    /// <summary>Reads a text that must come next.</summary>
    public void Need(string expected, string what)
    {
        if (!Take(expected))
            throw Fault($"{what} needs '{expected}' here, not {Shown()}");
    }

    /// <summary>What stands here, for people.</summary>
    public string Shown()
    {
        if (AtEnd)
            return "the end";
        return Next switch
        {
            '\n' or '\r' => "a line break",
            < ' ' => $"the character U+{(int)Next:X4}",
            _ => Rune.TryGetRuneAt(text, At, out var rune) ? $"'{rune}'" : "half a surrogate pair",
        };
    }

    /// <summary>Reads white space and comments.</summary>
    /// <param name="lines">Line breaks too.</param>
    /// <param name="slashes">Comments begin with // as well as with #.</param>
    public void Skip(bool lines, bool slashes)
    {
        while (!AtEnd)
        {
            if (Next == '#' || (slashes && Rest.StartsWith("//")))
            {
                while (!AtEnd && Next is not '\n')
                    At++;
            }
            else if (Next is ' ' or '\t' || (lines && Next is '\n' or '\r'))
            {
                At++;
            }
            else
            {
                return;
            }
        }
    }

    /// <summary>Reads characters as long as they belong; empty for none.</summary>
    public string TakeWhile(Func<char, bool> belongs)
    {
        var start = At;
        while (!AtEnd && belongs(Next))
            At++;
        return From(start);
    }

    /// <summary>Reads a number; null where none stands here.</summary>
    public int? TakeNumber()
    {
        var start = At;
        var digits = TakeWhile(char.IsAsciiDigit);
        if (digits.Length == 0)
            return null;
        if (!int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            throw Fault($"the number {(digits.Length > 20 ? digits[..20] + "…" : digits)} is too large", start);
        return number;
    }

    /// <summary>Reads one character.</summary>
    public int TakeCodePoint()
    {
        var rune = Rune.TryGetRuneAt(text, At, out var found) ? found : throw Fault("half a surrogate pair is no character");
        At += rune.Utf16SequenceLength;
        return rune.Value;
    }

    /// <summary>Reads the digits of an escape, which name a character.</summary>
    public int TakeHex(int digits)
    {
        var start = At - 2;
        if (At + digits > text.Length
            || !int.TryParse(text.AsSpan(At, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
        {
            throw Fault($"the escape needs {digits} hexadecimal digits", start);
        }

        if (value is < 0 or > CodePoints.Last or (>= 0xD800 and <= 0xDFFF))
            throw Fault("the escape names no character", start);
        At += digits;
        return value;
    }

    /// <summary>Goes one bracket deeper.</summary>
    public void Open()
    {
        if (++_depth > NestingMax)
            throw Fault($"brackets nest deeper than {NestingMax}");
    }

    /// <summary>Comes out of it.</summary>
    public void Close() => _depth--;
}
