using System.Text;
using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>Upper, lower and title case as Python's str has them: full mappings, of which one character may become three.</summary>
internal static class PythonCase
{
    // Unicode's special casing: a character, its upper case and, where that differs, its title case. Escaped, so that no
    // normalisation can touch it.
    private const string Special =
        "\u00DF\u0053\u0053,\u0053\u0073;\u0149\u02BC\u004E;\u01C4\u01C4,\u01C5;\u01C5\u01C4,\u01C5;\u01C6\u01C4,\u01C5;"
        + "\u01C7\u01C7,\u01C8;\u01C8\u01C7,\u01C8;\u01C9\u01C7,\u01C8;\u01CA\u01CA,\u01CB;\u01CB\u01CA,\u01CB;"
        + "\u01CC\u01CA,\u01CB;\u01F0\u004A\u030C;\u01F1\u01F1,\u01F2;\u01F2\u01F1,\u01F2;\u01F3\u01F1,\u01F2;"
        + "\u0390\u0399\u0308\u0301;\u03B0\u03A5\u0308\u0301;\u0587\u0535\u0552,\u0535\u0582;\u1E96\u0048\u0331;"
        + "\u1E97\u0054\u0308;\u1E98\u0057\u030A;\u1E99\u0059\u030A;\u1E9A\u0041\u02BE;\u1F50\u03A5\u0313;"
        + "\u1F52\u03A5\u0313\u0300;\u1F54\u03A5\u0313\u0301;\u1F56\u03A5\u0313\u0342;\u1F80\u1F08\u0399,\u1F88;"
        + "\u1F81\u1F09\u0399,\u1F89;\u1F82\u1F0A\u0399,\u1F8A;\u1F83\u1F0B\u0399,\u1F8B;\u1F84\u1F0C\u0399,\u1F8C;"
        + "\u1F85\u1F0D\u0399,\u1F8D;\u1F86\u1F0E\u0399,\u1F8E;\u1F87\u1F0F\u0399,\u1F8F;\u1F88\u1F08\u0399,\u1F88;"
        + "\u1F89\u1F09\u0399,\u1F89;\u1F8A\u1F0A\u0399,\u1F8A;\u1F8B\u1F0B\u0399,\u1F8B;\u1F8C\u1F0C\u0399,\u1F8C;"
        + "\u1F8D\u1F0D\u0399,\u1F8D;\u1F8E\u1F0E\u0399,\u1F8E;\u1F8F\u1F0F\u0399,\u1F8F;\u1F90\u1F28\u0399,\u1F98;"
        + "\u1F91\u1F29\u0399,\u1F99;\u1F92\u1F2A\u0399,\u1F9A;\u1F93\u1F2B\u0399,\u1F9B;\u1F94\u1F2C\u0399,\u1F9C;"
        + "\u1F95\u1F2D\u0399,\u1F9D;\u1F96\u1F2E\u0399,\u1F9E;\u1F97\u1F2F\u0399,\u1F9F;\u1F98\u1F28\u0399,\u1F98;"
        + "\u1F99\u1F29\u0399,\u1F99;\u1F9A\u1F2A\u0399,\u1F9A;\u1F9B\u1F2B\u0399,\u1F9B;\u1F9C\u1F2C\u0399,\u1F9C;"
        + "\u1F9D\u1F2D\u0399,\u1F9D;\u1F9E\u1F2E\u0399,\u1F9E;\u1F9F\u1F2F\u0399,\u1F9F;\u1FA0\u1F68\u0399,\u1FA8;"
        + "\u1FA1\u1F69\u0399,\u1FA9;\u1FA2\u1F6A\u0399,\u1FAA;\u1FA3\u1F6B\u0399,\u1FAB;\u1FA4\u1F6C\u0399,\u1FAC;"
        + "\u1FA5\u1F6D\u0399,\u1FAD;\u1FA6\u1F6E\u0399,\u1FAE;\u1FA7\u1F6F\u0399,\u1FAF;\u1FA8\u1F68\u0399,\u1FA8;"
        + "\u1FA9\u1F69\u0399,\u1FA9;\u1FAA\u1F6A\u0399,\u1FAA;\u1FAB\u1F6B\u0399,\u1FAB;\u1FAC\u1F6C\u0399,\u1FAC;"
        + "\u1FAD\u1F6D\u0399,\u1FAD;\u1FAE\u1F6E\u0399,\u1FAE;\u1FAF\u1F6F\u0399,\u1FAF;\u1FB2\u1FBA\u0399,\u1FBA\u0345;"
        + "\u1FB3\u0391\u0399,\u1FBC;\u1FB4\u0386\u0399,\u0386\u0345;\u1FB6\u0391\u0342;"
        + "\u1FB7\u0391\u0342\u0399,\u0391\u0342\u0345;\u1FBC\u0391\u0399,\u1FBC;\u1FC2\u1FCA\u0399,\u1FCA\u0345;"
        + "\u1FC3\u0397\u0399,\u1FCC;\u1FC4\u0389\u0399,\u0389\u0345;\u1FC6\u0397\u0342;"
        + "\u1FC7\u0397\u0342\u0399,\u0397\u0342\u0345;\u1FCC\u0397\u0399,\u1FCC;\u1FD2\u0399\u0308\u0300;"
        + "\u1FD3\u0399\u0308\u0301;\u1FD6\u0399\u0342;\u1FD7\u0399\u0308\u0342;\u1FE2\u03A5\u0308\u0300;"
        + "\u1FE3\u03A5\u0308\u0301;\u1FE4\u03A1\u0313;\u1FE6\u03A5\u0342;\u1FE7\u03A5\u0308\u0342;"
        + "\u1FF2\u1FFA\u0399,\u1FFA\u0345;\u1FF3\u03A9\u0399,\u1FFC;\u1FF4\u038F\u0399,\u038F\u0345;\u1FF6\u03A9\u0342;"
        + "\u1FF7\u03A9\u0342\u0399,\u03A9\u0342\u0345;\u1FFC\u03A9\u0399,\u1FFC;\uFB00\u0046\u0046,\u0046\u0066;"
        + "\uFB01\u0046\u0049,\u0046\u0069;\uFB02\u0046\u004C,\u0046\u006C;\uFB03\u0046\u0046\u0049,\u0046\u0066\u0069;"
        + "\uFB04\u0046\u0046\u004C,\u0046\u0066\u006C;\uFB05\u0053\u0054,\u0053\u0074;\uFB06\u0053\u0054,\u0053\u0074;"
        + "\uFB13\u0544\u0546,\u0544\u0576;\uFB14\u0544\u0535,\u0544\u0565;\uFB15\u0544\u053B,\u0544\u056B;"
        + "\uFB16\u054E\u0546,\u054E\u0576;\uFB17\u0544\u053D,\u0544\u056D;";

    private static readonly Dictionary<int, (string Upper, string Title)> Full = Read();

    private delegate void Mapping(TextBuilder builder, Rune rune, bool isUser);

    public static TextValue Upper(TextValue text) => Ascii.IsValid(text.Text)
        ? text.Mapped(text.Text.ToUpperInvariant())
        : Map(text, (builder, rune, isUser) => builder.Append(UpperOf(rune), isUser));

    public static TextValue Lower(TextValue text)
    {
        if (!text.HasPairs && text.Text.AsSpan().IndexOfAny('\u03A3', '\u0130') < 0)
            return text.Mapped(text.Text.ToLowerInvariant());
        var at = 0;
        return Map(text, (builder, rune, isUser) =>
        {
            builder.Append(LowerOf(rune, text.Text, at), isUser);
            at += rune.Utf16SequenceLength;
        });
    }

    /// <summary>str.casefold: what texts are compared by, whatever their case.</summary>
    public static TextValue Fold(TextValue text) => Map(text, (builder, rune, isUser) => builder.Append(FoldOf(rune), isUser));

    public static TextValue Swap(TextValue text)
    {
        var at = 0;
        return Map(text, (builder, rune, isUser) =>
        {
            builder.Append(PythonCharacter.IsUpper(rune) ? LowerOf(rune, text.Text, at)
                : PythonCharacter.IsLower(rune) ? UpperOf(rune) : rune.ToString(), isUser);
            at += rune.Utf16SequenceLength;
        });
    }

    /// <summary>str.capitalize.</summary>
    public static TextValue Capitalize(TextValue text)
    {
        var at = 0;
        return Map(text, (builder, rune, isUser) =>
        {
            builder.Append(at == 0 ? TitleOf(rune) : LowerOf(rune, text.Text, at), isUser);
            at += rune.Utf16SequenceLength;
        });
    }

    /// <summary>str.title: each run of cased characters starts with a capital.</summary>
    public static TextValue Title(TextValue text)
    {
        var at = 0;
        var inWord = false;
        return Map(text, (builder, rune, isUser) =>
        {
            builder.Append(inWord ? LowerOf(rune, text.Text, at) : TitleOf(rune), isUser);
            inWord = PythonCharacter.IsCased(rune);
            at += rune.Utf16SequenceLength;
        });
    }

    /// <summary>Jinja's filter of that name: a word starts after white space, a dash or an opening bracket.</summary>
    public static TextValue JinjaTitle(TextValue text)
    {
        var builder = new TextBuilder(PythonText.CharactersMax);
        for (var start = 0; start < text.Text.Length;)
        {
            var isBetween = StartsWord(text.Text[start]);
            var end = start;
            while (end < text.Text.Length && StartsWord(text.Text[end]) == isBetween)
                end++;
            var word = text.Part(start, end - start);
            var first = Rune.TryGetRuneAt(word.Text, 0, out var rune) ? rune.Utf16SequenceLength : 1;
            builder.Append(Upper(word.Part(0, first))).Append(Lower(word.Part(first, word.Text.Length - first)));
            start = end;
        }

        return builder.ToValue(text.IsMarkup);
    }

    private static bool StartsWord(char value) => value is '-' or '(' or '{' or '[' or '<' || PythonCharacter.IsSpace(value);

    private static TextValue Map(TextValue text, Mapping mapping)
    {
        var builder = new TextBuilder(PythonText.CharactersMax, text.Text.Length);
        for (var i = 0; i < text.Text.Length;)
        {
            var isUser = !text.User.IsEmpty && text.User.Overlaps(i, i + 1);
            if (!Rune.TryGetRuneAt(text.Text, i, out var rune))
                rune = Rune.ReplacementChar;
            mapping(builder, rune, isUser);
            i += rune.Utf16SequenceLength;
        }

        return builder.ToValue(text.IsMarkup);
    }

    private static string UpperOf(Rune rune) => rune.Value switch
    {
        < 0x80 => ((char)(rune.Value is >= 'a' and <= 'z' ? rune.Value - 32 : rune.Value)).ToString(),
        0x131 => "I",
        0x17F => "S",
        _ => Full.TryGetValue(rune.Value, out var special) ? special.Upper : Rune.ToUpperInvariant(rune).ToString(),
    };

    private static string TitleOf(Rune rune) => rune.Value is >= 0x10D0 and <= 0x10FF ? rune.ToString()
        : Full.TryGetValue(rune.Value, out var special) ? special.Title : UpperOf(rune);

    private static string LowerOf(Rune rune, string text, int at) => rune.Value switch
    {
        0x130 => "i\u0307",
        0x3A3 when IsFinal(text, at) => "\u03C2",
        _ => Rune.ToLowerInvariant(rune).ToString(),
    };

    private static string FoldOf(Rune rune) => rune.Value switch
    {
        0x130 => "i\u0307",
        0x131 => "\u0131",
        0x1E9E => "ss",
        >= 0x13A0 and <= 0x13F5 => rune.ToString(),
        (>= 0x13F8 and <= 0x13FD) or (>= 0xAB70 and <= 0xABBF) => Rune.ToUpperInvariant(rune).ToString(),
        _ => UpperOf(rune).ToLowerInvariant(),
    };

    // A sigma at the end of a word: something cased before it, nothing cased after it, whatever marks are between.
    private static bool IsFinal(string text, int at)
    {
        var before = at;
        while (before > 0 && Rune.DecodeLastFromUtf16(text.AsSpan(0, before), out var rune, out var length) == 0)
        {
            if (!PythonCharacter.IsCaseIgnorable(rune))
            {
                if (PythonCharacter.IsCased(rune))
                    break;
                return false;
            }

            before -= length;
        }

        if (before == 0)
            return false;
        for (var after = at + 1; after < text.Length && Rune.TryGetRuneAt(text, after, out var rune); after += rune.Utf16SequenceLength)
        {
            if (!PythonCharacter.IsCaseIgnorable(rune))
                return !PythonCharacter.IsCased(rune);
        }

        return true;
    }

    private static Dictionary<int, (string Upper, string Title)> Read()
    {
        var result = new Dictionary<int, (string Upper, string Title)>();
        foreach (var entry in Special.Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = entry[1..].Split(',');
            result.Add(entry[0], (parts[0], parts[^1]));
        }

        return result;
    }
}
