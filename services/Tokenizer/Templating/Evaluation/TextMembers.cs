using System.Text;
using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>The methods of Python's str.</summary>
internal sealed class TextMembers(TemplateLimits limits, Members members)
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
        "splitlines" => Method(arguments => TextMethods.SplitLines(text, arguments.Flag(0, "keepends", false))),
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
        "format" => Method(arguments => new BraceFormat(arguments, members, limits.CharactersMax).Apply(text)),
        "format_map" => Method(arguments => FormatMap(text, arguments)),
        "find" or "index" or "rfind" or "rindex" => Method(arguments => Search(text, name, arguments)),
        "count" => Method(arguments => Count(text, arguments)),
        "zfill" or "ljust" or "rjust" or "center" => Method(arguments => Justify(text, name, arguments)),
        "expandtabs" => Method(arguments => TextMethods.ExpandTabs(
            text, (int)Math.Clamp(arguments.Integer(0, "tabsize", 8), 0, limits.CharactersMax), limits.CharactersMax)),
        "translate" => Method(arguments => arguments.Require(0, "table") is DictionaryValue table
            ? TextMethods.Translate(text, table, limits.CharactersMax)
            : throw TemplateException.Type("translate() takes a dictionary here")),
        "maketrans" => Method(Table),
        "encode" => Method(_ => throw TemplateException.Type("encode() makes bytes, which templates here do not have")),
        "striptags" when text.IsMarkup => Method(_ => TextFilters.StripTags(text)),
        "unescape" when text.IsMarkup => Method(_ =>
            TextValue.Derived(System.Net.WebUtility.HtmlDecode(text.Text), text)),
        _ => FindCase(text, name) ?? FindTest(text.Text, name),
    };

    private static FunctionValue? FindCase(TextValue text, string name) => name switch
    {
        "upper" => Method(_ => PythonCase.Upper(text)),
        "lower" => Method(_ => PythonCase.Lower(text)),
        "casefold" => Method(_ => PythonCase.Fold(text)),
        "capitalize" => Method(_ => PythonCase.Capitalize(text)),
        "title" => Method(_ => PythonCase.Title(text)),
        "swapcase" => Method(_ => PythonCase.Swap(text)),
        _ => null,
    };

    private static FunctionValue? FindTest(string text, string name)
    {
        Func<Rune, bool>? test = name switch
        {
            "isdigit" => PythonCharacter.IsDigit,
            "isdecimal" => PythonCharacter.IsDecimal,
            "isnumeric" => PythonCharacter.IsNumeric,
            "isalpha" => PythonCharacter.IsLetter,
            "isalnum" => PythonCharacter.IsAlphanumeric,
            "isspace" => rune => rune.IsBmp && PythonCharacter.IsSpace((char)rune.Value),
            _ => null,
        };
        return name switch
        {
            _ when test is not null => Method(_ => TemplateValue.Of(text.Length > 0 && text.EnumerateRunes().All(test))),
            "isascii" => Method(_ => TemplateValue.Of(Ascii.IsValid(text))),
            "isprintable" => Method(_ => TemplateValue.Of(text.EnumerateRunes().All(PythonCharacter.IsPrintable))),
            "isupper" => Method(_ => TemplateValue.Of(IsUpper(text))),
            "islower" => Method(_ => TemplateValue.Of(IsLower(text))),
            "istitle" => Method(_ => TemplateValue.Of(IsTitle(text))),
            "isidentifier" => Method(_ => TemplateValue.Of(text.Length > 0 && text.EnumerateRunes().Select((rune, index) =>
                rune.Value == '_' || PythonCharacter.IsLetter(rune) || Rune.GetUnicodeCategory(rune)
                    is System.Globalization.UnicodeCategory.LetterNumber
                || (index > 0 && Rune.GetUnicodeCategory(rune) is System.Globalization.UnicodeCategory.DecimalDigitNumber
                    or System.Globalization.UnicodeCategory.NonSpacingMark or System.Globalization.UnicodeCategory.SpacingCombiningMark
                    or System.Globalization.UnicodeCategory.ConnectorPunctuation)).All(isPart => isPart))),
            _ => null,
        };
    }

    public static bool IsUpper(string text) => text.EnumerateRunes().Any(PythonCharacter.IsUpper)
        && !text.EnumerateRunes().Any(rune => PythonCharacter.IsLower(rune) || PythonCharacter.IsTitle(rune));

    public static bool IsLower(string text) => text.EnumerateRunes().Any(PythonCharacter.IsLower)
        && !text.EnumerateRunes().Any(rune => PythonCharacter.IsUpper(rune) || PythonCharacter.IsTitle(rune));

    private static bool IsTitle(string text)
    {
        var (inWord, isAny) = (false, false);
        foreach (var rune in text.EnumerateRunes())
        {
            var isCapital = PythonCharacter.IsUpper(rune) || PythonCharacter.IsTitle(rune);
            var isLower = !isCapital && PythonCharacter.IsLower(rune);
            if ((isCapital && inWord) || (isLower && !inWord))
                return false;
            inWord = isCapital || isLower;
            isAny |= inWord;
        }

        return isAny;
    }

    private TextValue Replace(TextValue text, CallArguments arguments)
    {
        if (arguments.Require(0, "old") is not TextValue old || arguments.Require(1, "new") is not TextValue replacement)
            throw TemplateException.Type("replace() argument must be str");
        if (text.IsMarkup)
            (old, replacement) = (TextMethods.Escape(old), TextMethods.Escape(replacement));
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

        if (!separator.IsMarkup)
            return TextMethods.Join(separator, texts, limits.CharactersMax);
        return TextMethods.Join(separator, texts.Select(TextMethods.Escape), limits.CharactersMax).AsMarkup(true);
    }

    private TextValue FormatMap(TextValue text, CallArguments arguments)
    {
        if (arguments.Keywords.Count > 0 || arguments.Positional is not [DictionaryValue mapping])
            throw TemplateException.Type("format_map() takes exactly one argument, a mapping");
        var keywords = mapping.Entries.Where(entry => entry.Key is TextValue)
            .Select(entry => KeyValuePair.Create(((TextValue)entry.Key).Text, entry.Value)).ToList();
        return new BraceFormat(new CallArguments("format_map", [], keywords), members, limits.CharactersMax).Apply(text);
    }

    private static DictionaryValue Table(CallArguments arguments)
    {
        if (arguments.Positional is [DictionaryValue given])
        {
            return new DictionaryValue(given.Entries.Select(entry => KeyValuePair.Create(
                entry.Key is TextValue { Length: 1 } key ? Point(key) : entry.Key, entry.Value)));
        }

        var from = arguments.Require(0, "x").ExpectText("x");
        var to = arguments.Require(1, "y").ExpectText("y");
        var (sources, targets) = (new TextValue(from).Iterate(), new TextValue(to).Iterate());
        if (sources.Count != targets.Count)
            throw TemplateException.Value("the first two maketrans arguments must have equal length");
        var entries = sources.Zip(targets, (source, target) => KeyValuePair.Create(Point(source), Point(target)));
        return new DictionaryValue(arguments.Text(2, "z") is { } dropped
            ? entries.Concat(new TextValue(dropped).Iterate()
                .Select(item => KeyValuePair.Create(Point(item), (TemplateValue)NoneValue.Instance)))
            : entries);
    }

    private static TemplateValue Point(TemplateValue text) => TemplateValue.Of(Rune.GetRuneAt(((TextValue)text).Text, 0).Value);

    // The part of a text that start and end name, in code units; null where the start lies beyond the text.
    private static (int Start, int End)? Window(TextValue text, CallArguments arguments)
    {
        if (arguments.Find(1, "start") is not { } start)
            return (0, text.Text.Length);
        var length = text.Length;
        if (start is not NoneValue && start.ExpectWhole() > length)
            return null;
        var from = start is NoneValue ? 0 : Members.Slice(text, null, start, null).ExpectText("text").Length;
        if (arguments.Find(2, "end") is not { } end || end is NoneValue)
            return (from, text.Text.Length);
        var to = Members.Slice(text, null, end, null).ExpectText("text").Length;
        return to < from ? null : (from, to);
    }

    private static TemplateValue Affix(TextValue text, CallArguments arguments, bool isStart)
    {
        var wanted = arguments.Require(0, "prefix");
        var window = Window(text, arguments);
        var part = window is { } found ? text.Text.AsSpan(found.Start, found.End - found.Start) : default;
        var choices = wanted is SequenceValue { Kind: SequenceValue.Form.Tuple } tuple ? tuple.Items : [wanted];
        foreach (var choice in choices)
        {
            var affix = choice is TextValue value ? value.Text : throw TemplateException.Type(
                $"{(isStart ? "startswith" : "endswith")} first arg must be str or a tuple of str, not {choice.TypeName}");
            if (window is not null && (isStart ? part.StartsWith(affix) : part.EndsWith(affix)))
                return BooleanValue.True;
        }

        return BooleanValue.False;
    }

    private static TemplateValue Search(TextValue text, string name, CallArguments arguments)
    {
        var wanted = arguments.Require(0, "sub").ExpectText("sub");
        var at = -1;
        if (Window(text, arguments) is { } window)
        {
            var part = text.Text.AsSpan(window.Start, window.End - window.Start);
            at = name[0] != 'r' ? part.IndexOf(wanted) : wanted.Length == 0 ? part.Length : part.LastIndexOf(wanted);
            at = at < 0 ? at : at + window.Start;
        }

        if (at >= 0)
            return TemplateValue.Of(text.HasPairs ? text.Text[..at].EnumerateRunes().Count() : at);
        return name.EndsWith("find", StringComparison.Ordinal) ? TemplateValue.Of(-1)
            : throw TemplateException.Value("substring not found");
    }

    private static TemplateValue Count(TextValue text, CallArguments arguments)
    {
        var wanted = arguments.Require(0, "sub").ExpectText("sub");
        if (Window(text, arguments) is not { } window)
            return TemplateValue.Of(0);
        var part = text.Text[window.Start..window.End];
        return TemplateValue.Of(wanted.Length == 0 ? part.EnumerateRunes().Count() + 1 : part.AsSpan().Count(wanted));
    }

    private TextValue Justify(TextValue text, string name, CallArguments arguments)
    {
        var width = arguments.Require(0, "width").ExpectInteger();
        if (width > limits.CharactersMax)
            throw TemplateException.Limit("characters", limits.CharactersMax);
        var missing = (int)Math.Max(0, width - text.Length);
        var fill = name == "zfill" ? new TextValue("0") : arguments.Find(1, "fillchar") ?? new TextValue(" ");
        if (fill is not TextValue { Length: 1 } character)
            throw TemplateException.Type("The fill character must be exactly one character long");
        var isSigned = name == "zfill" && text.Text.Length > 0 && text.Text[0] is '+' or '-';
        var before = name switch { "ljust" => 0, "center" => (missing / 2) + (missing & (int)width & 1), _ => missing };
        var builder = new TextBuilder(limits.CharactersMax);
        if (isSigned)
            builder.Append(text.Part(0, 1));
        for (var i = 0; i < before; i++)
            builder.Append(character);
        builder.Append(isSigned ? text.Part(1, text.Text.Length - 1) : text);
        for (var i = before; i < missing; i++)
            builder.Append(character);
        return builder.ToValue(text.IsMarkup);
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
