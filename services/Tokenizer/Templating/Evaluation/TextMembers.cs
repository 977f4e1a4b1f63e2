using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>The methods of Python's str that templates call.</summary>
internal sealed class TextMembers(TemplateLimits limits)
{
    /// <summary>A method bound to its text, or null when str has none of that name.</summary>
    public TemplateValue? Find(TextValue text, string name) => name switch
    {
        "strip" => Method(arguments => TextMethods.Strip(text, arguments.Text(0, "chars"))),
        "lstrip" => Method(arguments => TextMethods.Strip(text, arguments.Text(0, "chars"), right: false)),
        "rstrip" => Method(arguments => TextMethods.Strip(text, arguments.Text(0, "chars"), left: false)),
        "split" => Method(arguments =>
            TextMethods.Split(text, arguments.Text(0, "sep"), arguments.Integer(1, "maxsplit", -1), fromRight: false)),
        "rsplit" => Method(arguments =>
            TextMethods.Split(text, arguments.Text(0, "sep"), arguments.Integer(1, "maxsplit", -1), fromRight: true)),
        "splitlines" => Method(arguments => SplitLines(text, arguments.Flag(0, "keepends", false))),
        "partition" => Method(arguments => Partition(text, arguments.Require(0, "sep").ExpectText("sep"), fromRight: false)),
        "rpartition" => Method(arguments => Partition(text, arguments.Require(0, "sep").ExpectText("sep"), fromRight: true)),
        "startswith" => Method(arguments => Affix(text, arguments, isStart: true)),
        "endswith" => Method(arguments => Affix(text, arguments, isStart: false)),
        "replace" => Method(arguments => Replace(text, arguments)),
        "removeprefix" => Method(arguments => arguments.Require(0, "prefix").ExpectText("prefix") is var prefix
            && text.Text.StartsWith(prefix, StringComparison.Ordinal) ? text.Part(prefix.Length, text.Text.Length - prefix.Length) : text),
        "removesuffix" => Method(arguments => arguments.Require(0, "suffix").ExpectText("suffix") is var suffix
            && text.Text.EndsWith(suffix, StringComparison.Ordinal) ? text.Part(0, text.Text.Length - suffix.Length) : text),
        "join" => Method(arguments => Join(text, arguments.Require(0, "iterable"))),
        "format" => Method(arguments =>
            TextFormat.Format(text, arguments, new Members(limits).Attribute, limits.CharactersMax)),
        "find" or "index" or "rfind" or "rindex" => Method(arguments => Search(text, name, arguments)),
        "count" => Method(arguments => Count(text.Text, arguments.Require(0, "sub").ExpectText("sub"))),
        "zfill" or "ljust" or "rjust" or "center" => Method(arguments => Justify(text, name, arguments)),
        _ => FindCase(text, name) ?? FindTest(text.Text, name),
    };

    private static FunctionValue? FindCase(TextValue text, string name) => name switch
    {
        "upper" => Method(_ => text.Mapped(text.Text.ToUpperInvariant())),
        "lower" or "casefold" => Method(_ => text.Mapped(text.Text.ToLowerInvariant())),
        "capitalize" => Method(_ => text.Mapped(TextMethods.Capitalize(text.Text))),
        "title" => Method(_ => text.Mapped(TextMethods.Title(text.Text))),
        "swapcase" => Method(_ => text.Mapped(string.Concat(text.Text.Select(value =>
            char.IsUpper(value) ? char.ToLowerInvariant(value) : char.ToUpperInvariant(value))))),
        _ => null,
    };

    private static FunctionValue? FindTest(string text, string name)
    {
        Func<char, bool>? test = name switch
        {
            "isdigit" or "isdecimal" => char.IsDigit,
            "isnumeric" => char.IsNumber,
            "isalpha" => char.IsLetter,
            "isalnum" => char.IsLetterOrDigit,
            "isspace" => PythonText.IsSpace,
            _ => null,
        };
        return name switch
        {
            _ when test is not null => Method(_ => TemplateValue.Of(text.Length > 0 && text.All(test))),
            "isascii" => Method(_ => TemplateValue.Of(text.All(char.IsAscii))),
            "isupper" => Method(_ => TemplateValue.Of(text.Any(char.IsUpper) && !text.Any(char.IsLower))),
            "islower" => Method(_ => TemplateValue.Of(text.Any(char.IsLower) && !text.Any(char.IsUpper))),
            _ => null,
        };
    }

    private TextValue Replace(TextValue text, CallArguments arguments)
    {
        if (arguments.Require(0, "old") is not TextValue old || arguments.Require(1, "new") is not TextValue replacement)
            throw TemplateException.Type("replace() argument must be str");
        return TextMethods.Replace(text, old, replacement, arguments.Integer(2, "count", -1), limits.CharactersMax);
    }

    private TextValue Join(TextValue separator, TemplateValue items)
    {
        var texts = new List<TextValue>();
        foreach (var item in items.Iterate())
        {
            texts.Add(item as TextValue ?? throw TemplateException.Type(
                $"sequence item {texts.Count}: expected str instance, {item.TypeName} found"));
        }

        return TextMethods.Join(separator, texts, limits.CharactersMax);
    }

    private static TemplateValue Affix(TextValue text, CallArguments arguments, bool isStart)
    {
        var wanted = arguments.Require(0, "prefix");
        var tail = Members.Slice(text, arguments.Find(1, "start"), arguments.Find(2, "end"), null).ExpectText("text");
        var choices = wanted is SequenceValue { Kind: SequenceValue.Form.Tuple } tuple ? tuple.Items : [wanted];
        foreach (var choice in choices)
        {
            var affix = choice is TextValue value ? value.Text : throw TemplateException.Type(
                $"{(isStart ? "startswith" : "endswith")} first arg must be str or a tuple of str, not {choice.TypeName}");
            if (isStart ? tail.StartsWith(affix, StringComparison.Ordinal) : tail.EndsWith(affix, StringComparison.Ordinal))
                return BooleanValue.True;
        }

        return BooleanValue.False;
    }

    private static TemplateValue Search(TextValue text, string name, CallArguments arguments)
    {
        var wanted = arguments.Require(0, "sub").ExpectText("sub");
        var start = arguments.Find(1, "start");
        var part = Members.Slice(text, start, arguments.Find(2, "end"), null).ExpectText("text");
        var at = name[0] == 'r' ? part.LastIndexOf(wanted, StringComparison.Ordinal) : part.IndexOf(wanted, StringComparison.Ordinal);
        if (at < 0)
            return name.EndsWith("find", StringComparison.Ordinal) ? TemplateValue.Of(-1)
                : throw TemplateException.Value("substring not found");
        var offset = start is null or NoneValue ? 0
            : text.Length - Members.Slice(text, start, null, null).ExpectText("text").EnumerateRunes().Count();
        return TemplateValue.Of(offset + part[..at].EnumerateRunes().Count());
    }

    private static TemplateValue Count(string text, string wanted)
    {
        if (wanted.Length == 0)
            return TemplateValue.Of(text.EnumerateRunes().Count() + 1);
        return TemplateValue.Of(text.AsSpan().Count(wanted));
    }

    private TextValue Justify(TextValue text, string name, CallArguments arguments)
    {
        var width = arguments.Require(0, "width").ExpectInteger();
        if (width > limits.CharactersMax)
            throw TemplateException.Limit("characters", limits.CharactersMax);
        var missing = (int)Math.Max(0, width - text.Length);
        var fill = name == "zfill" ? "0" : arguments.Text(1, "fillchar") ?? " ";
        if (fill.Length != 1)
            throw TemplateException.Type("The fill character must be exactly one character long");
        var isSigned = name == "zfill" && text.Text.Length > 0 && text.Text[0] is '+' or '-';
        var before = name switch { "ljust" => 0, "center" => (missing / 2) + (missing & (int)width & 1), _ => missing };
        var builder = new TextBuilder(limits.CharactersMax);
        if (isSigned)
            builder.Append(text.Part(0, 1));
        return builder.Append(new string(fill[0], before)).Append(isSigned ? text.Part(1, text.Text.Length - 1) : text)
            .Append(new string(fill[0], missing - before)).ToValue(text.IsMarkup);
    }

    private static SequenceValue SplitLines(TextValue text, bool keepEnds)
    {
        var lines = new List<TemplateValue>();
        var value = text.Text;
        for (var start = 0; start < value.Length;)
        {
            var end = start;
            while (end < value.Length && value[end] is not ('\n' or '\r' or '\v' or '\f' or (>= '\u001C' and <= '\u001E') or '\u0085'
                or '\u2028' or '\u2029'))
                end++;
            var next = Math.Min(value.Length, end + (value.AsSpan(end).StartsWith("\r\n") ? 2 : 1));
            lines.Add(text.Part(start, (keepEnds ? next : end) - start));
            start = next;
        }

        return SequenceValue.List(lines);
    }

    private static SequenceValue Partition(TextValue text, string separator, bool fromRight)
    {
        if (separator.Length == 0)
            throw TemplateException.Value("empty separator");
        var at = fromRight ? text.Text.LastIndexOf(separator, StringComparison.Ordinal)
            : text.Text.IndexOf(separator, StringComparison.Ordinal);
        if (at < 0)
            return fromRight ? SequenceValue.Tuple(TextValue.Empty, TextValue.Empty, text)
                : SequenceValue.Tuple(text, TextValue.Empty, TextValue.Empty);
        var after = at + separator.Length;
        return SequenceValue.Tuple(text.Part(0, at), text.Part(at, separator.Length), text.Part(after, text.Text.Length - after));
    }

    private static FunctionValue Method(Func<CallArguments, TemplateValue> call) => new("builtin_function_or_method", call);
}
