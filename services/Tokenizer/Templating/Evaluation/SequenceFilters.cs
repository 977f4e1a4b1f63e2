using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>Jinja's filters that walk a sequence.</summary>
internal sealed class SequenceFilters(Filters filters, Members members, TemplateLimits limits)
{
    public static bool IsKnown(string name) => name is "batch" or "dictsort" or "first" or "groupby" or "items" or "join" or "last"
        or "list"
        or "map" or "max" or "min" or "reject" or "rejectattr" or "reverse" or "select" or "selectattr" or "slice" or "sort" or "sum"
        or "unique";

    /// <summary>The result, or null when there is no filter of that name.</summary>
    public TemplateValue? Apply(string name, TemplateValue value, CallArguments arguments) => name switch
    {
        "list" => SequenceValue.List([.. value.Iterate()]),
        "first" => value.Iterate() is [var first, ..] ? first : Missing("No first item, sequence was empty."),
        "last" => value.Iterate() is [.., var last] ? last : Missing("No last item, sequence was empty."),
        "join" => Join(value, arguments),
        "items" => value switch
        {
            UndefinedValue => SequenceValue.Generator([]),
            DictionaryValue dictionary => SequenceValue.Generator(Members.Pairs(dictionary)),
            _ => throw TemplateException.Type("Can only get item pairs from a mapping."),
        },
        "dictsort" => DictSort(value, arguments),
        "sort" => SequenceValue.List([.. Sorted(value.Iterate(), arguments.Find(2, "attribute"), arguments.Flag(1, "case_sensitive", false),
            arguments.Flag(0, "reverse", false))]),
        "unique" => Unique(value, arguments),
        "reverse" => value is TextValue text ? Reverse(text) : SequenceValue.Generator([.. value.Iterate().Reverse()]),
        "map" => Map(value, arguments),
        "select" => Select(value, arguments, byAttribute: false, keep: true),
        "reject" => Select(value, arguments, byAttribute: false, keep: false),
        "selectattr" => Select(value, arguments, byAttribute: true, keep: true),
        "rejectattr" => Select(value, arguments, byAttribute: true, keep: false),
        "sum" => Sum(value, arguments),
        "min" or "max" => Extreme(value, arguments, name == "max"),
        "groupby" => GroupBy(value, arguments),
        "batch" => Batch(value, arguments),
        "slice" => Slices(value, arguments),
        _ => null,
    };

    private static UndefinedValue Missing(string what) => new(() => TemplateException.Undefined(what));

    private TextValue Join(TemplateValue value, CallArguments arguments)
    {
        var separator = arguments.Find(0, "d") is { } given ? PythonText.Str(given) : TextValue.Empty;
        var attribute = arguments.Find(1, "attribute");
        return TextMethods.Join(separator.AsMarkup(false),
            value.Iterate()
                .Select(item => PythonText.Str(attribute is null ? item : Path(item, attribute)).AsMarkup(false)), limits.CharactersMax);
    }

    /// <summary>An attribute by a dotted path, as Jinja's filters read it.</summary>
    private TemplateValue Path(TemplateValue item, TemplateValue path)
    {
        if (path is not TextValue text)
            return members.Element(item, path);
        foreach (var part in text.Text.Split('.'))
        {
            item = members.Element(item, long.TryParse(part, System.Globalization.NumberStyles.None,
                System.Globalization.CultureInfo.InvariantCulture, out var index) ? TemplateValue.Of(index) : new TextValue(part));
        }

        return item;
    }

    private static TemplateValue IgnoreCase(TemplateValue value) => value is TextValue text
        ? text.Mapped(text.Text.ToLowerInvariant()) : value;

    private IEnumerable<TemplateValue> Sorted(
        IReadOnlyList<TemplateValue> items, TemplateValue? attribute, bool caseSensitive, bool reverse)
    {
        // LINQ sorts stably, as Python does, in both directions.
        var comparer = Comparer<TemplateValue>.Create(Operators.Compare);
        TemplateValue Key(TemplateValue item)
        {
            var parts = attribute is TextValue text && text.Text.Contains(',')
                ? SequenceValue.Tuple([.. text.Text.Split(',').Select(part => Fold(Path(item, new TextValue(part))))])
                : Fold(attribute is null or NoneValue ? item : Path(item, attribute));
            return parts;
        }

        TemplateValue Fold(TemplateValue value) => caseSensitive ? value : IgnoreCase(value);
        try
        {
            return reverse ? [.. items.OrderByDescending(Key, comparer)] : [.. items.OrderBy(Key, comparer)];
        }
        catch (InvalidOperationException exception) when (exception.InnerException is TemplateException inner)
        {
            throw inner;
        }
    }

    private SequenceValue DictSort(TemplateValue value, CallArguments arguments)
    {
        if (value is not DictionaryValue dictionary)
        {
            throw value is UndefinedValue undefined ? undefined.Fault()
                : TemplateException.Undefined($"'{value.TypeName} object' has no attribute 'items'");
        }

        var position = arguments.Text(1, "by") is "value" ? 1 : 0;
        return SequenceValue.List([.. Sorted(Members.Pairs(dictionary), TemplateValue.Of(position),
            arguments.Flag(0, "case_sensitive", false),
            arguments.Flag(2, "reverse", false))]);
    }

    private SequenceValue Unique(TemplateValue value, CallArguments arguments)
    {
        var seen = new HashSet<TemplateValue>(PythonEquality.Instance);
        var caseSensitive = arguments.Flag(0, "case_sensitive", false);
        var attribute = arguments.Find(1, "attribute");
        return SequenceValue.Generator([.. value.Iterate().Where(item =>
        {
            var key = attribute is null ? item : Path(item, attribute);
            return seen.Add(caseSensitive ? key : IgnoreCase(key));
        })]);
    }

    private TextValue Reverse(TextValue text)
    {
        var builder = new TextBuilder(limits.CharactersMax);
        foreach (var item in text.Iterate().Reverse())
            builder.Append((TextValue)item);
        return builder.ToValue();
    }

    private SequenceValue Map(TemplateValue value, CallArguments arguments)
    {
        if (!value.IsTrue)
            return SequenceValue.Generator([]);
        if (arguments.Positional.Count == 0)
        {
            var attribute = arguments.Find(int.MaxValue, "attribute")
                ?? throw new TemplateException("FilterArgumentError", "map requires a filter argument");
            var unset = arguments.Find(int.MaxValue, "default");
            return SequenceValue.Generator([.. value.Iterate().Select(item =>
                Path(item, attribute) is var found && found is UndefinedValue && unset is not null ? unset : found)]);
        }

        var name = arguments.Positional[0].ExpectText("the name of a filter");
        var rest = new CallArguments(name, [.. arguments.Positional.Skip(1)], arguments.Keywords);
        return SequenceValue.Generator([.. value.Iterate().Select(item => filters.Apply(name, item, rest))]);
    }

    private SequenceValue Select(TemplateValue value, CallArguments arguments, bool byAttribute, bool keep)
    {
        // What is false is not iterated at all, so that None passes here although it fails elsewhere.
        if (!value.IsTrue)
            return SequenceValue.Generator([]);
        var skip = byAttribute ? 1 : 0;
        var attribute = byAttribute ? arguments.Require(0, "attribute") : null;
        var name = arguments.Positional.Count > skip ? arguments.Positional[skip].ExpectText("the name of a test") : null;
        var rest = new CallArguments(name ?? "select", [.. arguments.Positional.Skip(skip + 1)], arguments.Keywords);
        return SequenceValue.Generator([.. value.Iterate().Where(item =>
        {
            var subject = attribute is null ? item : Path(item, attribute);
            var passes = name is null ? subject.IsTrue : Tests.Find(name, subject, rest)
                ?? throw new TemplateException("TemplateRuntimeError", $"No test named '{name}' found.");
            return passes == keep;
        })]);
    }

    private TemplateValue Sum(TemplateValue value, CallArguments arguments)
    {
        var attribute = arguments.Find(0, "attribute");
        var sum = arguments.Find(1, "start") ?? TemplateValue.Of(0);
        var operators = new Operators(limits);
        foreach (var item in value.Iterate())
            sum = operators.Binary("+", sum, attribute is null or NoneValue ? item : Path(item, attribute));
        return sum;
    }

    private TemplateValue Extreme(TemplateValue value, CallArguments arguments, bool isMax)
    {
        var items = value.Iterate();
        if (items.Count == 0)
            return Missing("No aggregated item, sequence was empty.");
        var sorted = Sorted(items, arguments.Find(1, "attribute"), arguments.Flag(0, "case_sensitive", false), reverse: isMax);
        return sorted.First();
    }

    private SequenceValue GroupBy(TemplateValue value, CallArguments arguments)
    {
        var attribute = arguments.Require(0, "attribute");
        var unset = arguments.Find(1, "default");
        var groups = new List<(TemplateValue Key, List<TemplateValue> Items)>();
        foreach (var item in Sorted(value.Iterate(), attribute, arguments.Flag(2, "case_sensitive", false), reverse: false))
        {
            var key = Path(item, attribute) is var found && found is UndefinedValue && unset is not null ? unset : found;
            if (groups.Count == 0 || !PythonEquality.AreEqual(groups[^1].Key, key))
                groups.Add((key, []));
            groups[^1].Items.Add(item);
        }

        return SequenceValue.List([.. groups.Select(group => SequenceValue.Tuple(group.Key, SequenceValue.List(group.Items)))]);
    }

    private SequenceValue Batch(TemplateValue value, CallArguments arguments)
    {
        var size = (int)Math.Clamp(arguments.Require(0, "linecount").ExpectInteger(), 1, limits.StepsMax);
        var fill = arguments.Find(1, "fill_with");
        return SequenceValue.Generator([.. value.Iterate().Chunk(size).Select(chunk => SequenceValue.List(
            fill is null or NoneValue ? chunk : [.. chunk, .. Enumerable.Repeat(fill, Math.Min(size - chunk.Length, limits.StepsMax))]))]);
    }

    private SequenceValue Slices(TemplateValue value, CallArguments arguments)
    {
        var items = value.Iterate();
        var count = (int)Math.Clamp(arguments.Require(0, "slices").ExpectInteger(), 1, limits.StepsMax);
        var fill = arguments.Find(1, "fill_with");
        var (size, longer) = (items.Count / count, items.Count % count);
        var slices = new List<TemplateValue>();
        for (int i = 0, at = 0; i < count; i++)
        {
            var length = size + (i < longer ? 1 : 0);
            var part = items.Skip(at).Take(length).ToList();
            at += length;
            if (fill is not (null or NoneValue) && i >= longer && longer > 0)
                part.Add(fill);
            slices.Add(SequenceValue.List(part));
        }

        return SequenceValue.Generator(slices);
    }
}
