using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>Jinja's filters that lay out a text: indenting, wrapping, cutting, and those for HTML and URLs.</summary>
internal sealed partial class TextFilters(TemplateLimits limits)
{
    /// <summary>The result, or null when there is no filter of that name here.</summary>
    public TemplateValue? Apply(string name, TemplateValue value, CallArguments arguments) => name switch
    {
        "indent" => Indent(Lines(value), arguments),
        "truncate" => Truncate(value, arguments),
        "wordwrap" => WordWrap(Lines(value), arguments),
        "striptags" => StripTags(PythonText.Str(value)),
        "urlencode" => UrlEncode(value),
        "urlize" => new LinkWriter(arguments).Write(PythonText.Str(value)),
        "xmlattr" => Attributes(value, arguments.Flag(0, "autospace", true)),
        "pprint" => PrettyPrinter.Print(value, limits.CharactersMax),
        _ => null,
    };

    /// <summary>Text without tags and comments, white space collapsed, entities replaced.</summary>
    public static TextValue StripTags(TextValue text)
    {
        var bare = Cut(Cut(text.Text, "<!--", "-->"), "<", ">");
        var words = TextMethods.Split(new TextValue(bare), null, -1, fromRight: false).Items.Select(word => ((TextValue)word).Text);
        return TextValue.Derived(WebUtility.HtmlDecode(string.Join(' ', words)), text);
    }

    private static string Cut(string text, string open, string close)
    {
        var builder = new StringBuilder();
        var position = 0;
        while (text.IndexOf(open, position, StringComparison.Ordinal) is >= 0 and var start
            && text.IndexOf(close, start, StringComparison.Ordinal) is >= 0 and var end)
        {
            builder.Append(text, position, start - position);
            position = end + close.Length;
        }

        return builder.Append(text, position, text.Length - position).ToString();
    }

    private static TextValue Lines(TemplateValue value) => value switch
    {
        TextValue text => text,
        UndefinedValue undefined => throw undefined.Fault(),
        _ => throw TemplateException.Type($"'{value.TypeName}' object has no attribute 'splitlines'"),
    };

    private TextValue Indent(TextValue text, CallArguments arguments)
    {
        var width = arguments.Find(0, "width");
        var indent = width as TextValue
            ?? new TextValue(new string(' ', (int)Math.Clamp(width?.ExpectInteger() ?? 4, 0, limits.CharactersMax)));
        var first = arguments.Flag(1, "first", false);
        var blank = arguments.Flag(2, "blank", false);
        var builder = new TextBuilder(limits.CharactersMax);
        var ended = new TextBuilder(limits.CharactersMax).Append(text).Append("\n").ToValue();
        var lines = TextMethods.SplitLines(ended, keepEnds: false).Items;
        for (var i = 0; i < lines.Count; i++)
        {
            var line = (TextValue)lines[i];
            if (i > 0)
                builder.Append("\n");
            if (i == 0 ? first : blank || line.Text.Length > 0)
                builder.Append(indent);
            builder.Append(line);
        }

        return builder.ToValue(text.IsMarkup);
    }

    private TemplateValue Truncate(TemplateValue value, CallArguments arguments)
    {
        var length = arguments.Integer(0, "length", 255);
        var end = arguments.Find(2, "end") is { } given ? new TextValue(given.ExpectText("end")) : new TextValue("...");
        var leeway = arguments.Find(3, "leeway") is { } found and not NoneValue ? found.ExpectInteger() : 5;
        if (length < end.Length)
            throw new TemplateException("AssertionError", $"expected length >= {end.Length}, got {length}");
        if (leeway < 0)
            throw new TemplateException("AssertionError", $"expected leeway >= 0, got {leeway}");
        if (Filters.Length(value) <= length + leeway)
            return value;
        if (value is not TextValue text)
            throw TemplateException.Type($"can only concatenate {value.TypeName} (not \"str\") to {value.TypeName}");
        var cut = (TextValue)Members.Slice(text, null, TemplateValue.Of(length - end.Length), null);
        if (!arguments.Flag(1, "killwords", false) && cut.Text.LastIndexOf(' ') is >= 0 and var space)
            cut = cut.Part(0, space);
        return new TextBuilder(limits.CharactersMax).Append(cut).Append(text.IsMarkup ? TextMethods.Escape(end) : end)
            .ToValue(text.IsMarkup);
    }

    private TextValue WordWrap(TextValue text, CallArguments arguments)
    {
        var width = arguments.Integer(0, "width", 79);
        var separator = arguments.Find(2, "wrapstring") is { } given and not NoneValue
            ? new TextValue(given.ExpectText("wrapstring")) : new TextValue("\n");
        var wrapper = new WordWrapper(width, arguments.Flag(1, "break_long_words", true), arguments.Flag(3, "break_on_hyphens", true));
        var paragraphs = TextMethods.SplitLines(text, keepEnds: false).Items
            .Select(line => TextMethods.Join(separator, wrapper.Wrap((TextValue)line), limits.CharactersMax));
        return TextMethods.Join(separator, paragraphs, limits.CharactersMax);
    }

    private TextValue UrlEncode(TemplateValue value)
    {
        if (value is TextValue or IntegerValue or FloatValue or BooleanValue or NoneValue)
            return Quoted(value, isQuery: false);
        var pairs = value is DictionaryValue dictionary ? Members.Pairs(dictionary) : value.Iterate();
        return TextMethods.Join(new TextValue("&"), pairs.Select(pair => pair.Iterate() is [var key, var item]
            ? new TextBuilder(limits.CharactersMax).Append(Quoted(key, isQuery: true)).Append("=").Append(Quoted(item, isQuery: true))
                .ToValue()
            : throw TemplateException.Value("urlencode takes a text, a mapping or a list of pairs")), limits.CharactersMax);
    }

    // What RFC 3986 leaves unreserved stays, and so does "/" outside a query.
    private static TextValue Quoted(TemplateValue value, bool isQuery)
    {
        var text = PythonText.Str(value);
        var builder = new StringBuilder(text.Text.Length);
        foreach (var one in Encoding.UTF8.GetBytes(text.Text))
        {
            var character = (char)one;
            if (char.IsAsciiLetterOrDigit(character) || character is '_' or '.' or '-' or '~' || (character == '/' && !isQuery))
                builder.Append(character);
            else if (isQuery && character == ' ')
                builder.Append('+');
            else
                builder.Append('%').Append(one.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
        }

        return TextValue.Derived(builder.ToString(), text);
    }

    private TextValue Attributes(TemplateValue value, bool withSpace)
    {
        if (value is not DictionaryValue dictionary)
            throw value is UndefinedValue undefined ? undefined.Fault()
                : TemplateException.Type($"'{value.TypeName}' object has no attribute 'items'");
        var items = new List<TextValue>();
        foreach (var (key, item) in dictionary.Entries)
        {
            if (item is NoneValue or UndefinedValue)
                continue;
            var name = key as TextValue ?? throw TemplateException.Type("expected string or bytes-like object as an attribute's name");
            if (AttributeNameEnd().IsMatch(name.Text))
                throw TemplateException.Value($"Invalid character in attribute name: {PythonText.Repr(name).Text}");
            items.Add(new TextBuilder(limits.CharactersMax).Append(TextMethods.Escape(name)).Append("=\"")
                .Append(TextMethods.Escape(PythonText.Str(item))).Append("\"").ToValue());
        }

        var joined = TextMethods.Join(new TextValue(" "), items, limits.CharactersMax);
        return withSpace && joined.Text.Length > 0
            ? new TextBuilder(limits.CharactersMax).Append(" ").Append(joined).ToValue() : joined;
    }

    [GeneratedRegex(@"[ \t\n\r\f\v/>=]")]
    private static partial Regex AttributeNameEnd();
}
