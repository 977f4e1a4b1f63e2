using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>Jinja's filters that walk a sequence.</summary>
internal sealed class SequenceFilters(Filters filters, Members members, TemplateLimits limits)
{
    private static readonly string[] GroupNames = ["grouper", "list"];

    public TemplateValue Apply(string name, TemplateValue value, CallArguments arguments) => name switch
    {
        "list" => SequenceValue.List([.. value.Iterate()]),
        "first" => First(value) ?? Missing("No first item, sequence was empty."),
        "last" when value is SequenceValue { IsGenerator: true } => throw TemplateException.Type("'generator' object is not reversible"),
        "last" => value.Iterate() is [.., var last] ? last : Missing("No last item, sequence was empty."),
        "random" => Random(value),
        "join" => Join(value, arguments),
        "items" => value switch
        {
            UndefinedValue => SequenceValue.Generator([]),
            DictionaryValue dictionary => SequenceValue.Generator(Members.Pairs(dictionary)),
            _ => throw TemplateException.Type("Can only get item pairs from a mapping."),
        },
        "dictsort" => DictSort(value, arguments),
        "sort" => SequenceValue.List([.. Sorted(value.Iterate(), SortKey(arguments.Find(2, "attribute"),
            arguments.Flag(1, "case_sensitive", false)), arguments.Flag(0, "reverse", false))]),
        "unique" => Unique(value, arguments),
        "reverse" => Reverse(value),
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
        _ => throw new TemplateException("TemplateRuntimeError", $"No filter named '{name}' found."),
    };

    // Of a generator the others stay to be taken.
    private static TemplateValue? First(TemplateValue value)
    {
        var items = value.Iterate();
        if (items.Count == 0)
            return null;
        (value as SequenceValue)?.PutBack(items.Count - 1);
        return items[0];
    }

    private static UndefinedValue Missing(string what) => new(() => TemplateException.Undefined(what));

    private TextValue Join(TemplateValue value, CallArguments arguments)
    {
        var separator = arguments.Find(0, "d") is { } given ? PythonText.Str(given) : TextValue.Empty;
        var attribute = arguments.Find(1, "attribute") is { } path and not NoneValue ? path : null;
        return TextMethods.Join(separator.AsMarkup(false),
            value.Iterate()
                .Select(item => PythonText.Str(attribute is null ? item : Path(item, attribute)).AsMarkup(false)), limits.CharactersMax);
    }

    // Which one is chance, as in Jinja.
    private static TemplateValue Random(TemplateValue value)
    {
        if (value is not (TextValue or SequenceValue { IsGenerator: false } or UndefinedValue))
            throw TemplateException.Type($"object of type '{value.TypeName}' has no random item");
        var items = value.Iterate();
        return items.Count == 0 ? Missing("No random item, sequence was empty.")
            : items[System.Security.Cryptography.RandomNumberGenerator.GetInt32(items.Count)];
    }

    /// <summary>An attribute by a dotted path, as Jinja's filters read it; what is missing becomes <paramref name="unset"/>.</summary>
    private TemplateValue Path(TemplateValue item, TemplateValue? path, TemplateValue? unset = null)
    {
        if (path is null or NoneValue)
            return item;
        var parts = path is TextValue text ? text.Text.Split('.') : null;
        for (var i = 0; i < (parts?.Length ?? 1); i++)
        {
            item = members.Element(item, parts is null ? path
                : parts[i].Length > 0 && parts[i].EnumerateRunes().All(PythonCharacter.IsDecimal)
                    && PythonNumber.ParseWhole(parts[i], 10) is { } index
                ? TemplateValue.Of(index) : new TextValue(parts[i]));
            if (item is UndefinedValue && unset is not (null or NoneValue))
                item = unset;
        }

        return item;
    }

    private static TemplateValue IgnoreCase(TemplateValue value) => value is TextValue text ? PythonCase.Lower(text) : value;

    private Func<TemplateValue, TemplateValue> Key(TemplateValue? attribute, bool caseSensitive, TemplateValue? unset = null) =>
        item => Path(item, attribute, unset) is var value && caseSensitive ? value : IgnoreCase(value);

    // Jinja's sort takes several attributes with commas between them, and compares lists even where there is one: what is missing
    // everywhere is then equal, and not an error.
    private Func<TemplateValue, TemplateValue> SortKey(TemplateValue? attribute, bool caseSensitive)
    {
        TemplateValue?[] attributes = attribute is TextValue text
            ? [.. text.Text.Split(',').Select(part => new TextValue(part))] : [attribute];
        var keys = attributes.Select(one => Key(one, caseSensitive)).ToArray();
        return item => SequenceValue.List([.. keys.Select(key => key(item))]);
    }

    private static IReadOnlyList<TemplateValue> Sorted(
        IReadOnlyList<TemplateValue> items, Func<TemplateValue, TemplateValue> key, bool reverse)
    {
        // LINQ sorts stably, as Python does, in both directions.
        var comparer = Comparer<TemplateValue>.Create(Operators.Compare);
        try
        {
            return reverse ? [.. items.OrderByDescending(key, comparer)] : [.. items.OrderBy(key, comparer)];
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

        var position = arguments.Text(1, "by") switch
        {
            null or "key" => 0,
            "value" => 1,
            _ => throw new TemplateException("FilterArgumentError", "You can only sort by either \"key\" or \"value\""),
        };
        return SequenceValue.List([.. Sorted(Members.Pairs(dictionary),
            Key(TemplateValue.Of(position), arguments.Flag(0, "case_sensitive", false)), arguments.Flag(2, "reverse", false))]);
    }

    private SequenceValue Unique(TemplateValue value, CallArguments arguments)
    {
        var seen = new HashSet<TemplateValue>(PythonEquality.Instance);
        var key = Key(arguments.Find(1, "attribute"), arguments.Flag(0, "case_sensitive", false));
        return SequenceValue.Generator([.. value.Iterate().Where(item => seen.Add(key(item)))]);
    }

    private TemplateValue Reverse(TemplateValue value)
    {
        switch (value)
        {
            case TextValue text:
                var builder = new TextBuilder(limits.CharactersMax);
                foreach (var item in text.Iterate().Reverse())
                    builder.Append((TextValue)item);
                return builder.ToValue();
            case SequenceValue { IsGenerator: true } generator:
                return SequenceValue.List([.. generator.Iterate().Reverse()]);
            default:
                return SequenceValue.Generator([.. value.Iterate().Reverse()]);
        }
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
            if (arguments.Keywords.FirstOrDefault(pair => pair.Key is not ("attribute" or "default")).Key is { } unexpected)
                throw new TemplateException("FilterArgumentError", $"Unexpected keyword argument '{unexpected}'");
            return SequenceValue.Generator([.. value.Iterate().Select(item => Path(item, attribute, unset))]);
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
        if (sum is TextValue)
            throw TemplateException.Type("sum() can't sum strings [use ''.join(seq) instead]");
        var operators = new Operators(limits);
        foreach (var item in value.Iterate())
            sum = operators.Binary("+", sum, Path(item, attribute));
        return sum;
    }

    private TemplateValue Extreme(TemplateValue value, CallArguments arguments, bool isMax)
    {
        var items = value.Iterate();
        if (items.Count == 0)
            return Missing("No aggregated item, sequence was empty.");
        return Sorted(items, Key(arguments.Find(1, "attribute"), arguments.Flag(0, "case_sensitive", false)), reverse: isMax)[0];
    }

    private SequenceValue GroupBy(TemplateValue value, CallArguments arguments)
    {
        var attribute = arguments.Require(0, "attribute");
        var unset = arguments.Find(1, "default");
        var key = Key(attribute, arguments.Flag(2, "case_sensitive", false), unset);
        var groups = new List<(TemplateValue Key, List<TemplateValue> Items)>();
        foreach (var item in Sorted(value.Iterate(), key, reverse: false))
        {
            if (groups.Count == 0 || !PythonEquality.AreEqual(groups[^1].Key, key(item)))
                groups.Add((key(item), []));
            groups[^1].Items.Add(item);
        }

        // A group's name has the case of its first member.
        return SequenceValue.List([.. groups.Select(group => new SequenceValue(SequenceValue.Form.Tuple,
            [Path(group.Items[0], attribute, unset), SequenceValue.List(group.Items)]) { Names = GroupNames })]);
    }

    private SequenceValue Batch(TemplateValue value, CallArguments arguments)
    {
        var size = arguments.Require(0, "linecount").ExpectInteger();
        var fill = arguments.Find(1, "fill_with");
        var batches = new List<TemplateValue>();
        var current = new List<TemplateValue>();
        foreach (var item in value.Iterate())
        {
            if (current.Count == size)
            {
                batches.Add(SequenceValue.List(current));
                current = [];
            }

            current.Add(item);
        }

        if (current.Count > 0)
        {
            if (size > limits.StepsMax)
                throw TemplateException.Limit("list members", limits.StepsMax);
            if (fill is not (null or NoneValue) && current.Count < size)
                current.AddRange(Enumerable.Repeat(fill, (int)size - current.Count));
            batches.Add(SequenceValue.List(current));
        }

        return SequenceValue.Generator(batches);
    }

    private SequenceValue Slices(TemplateValue value, CallArguments arguments)
    {
        var items = value.Iterate();
        var count = arguments.Require(0, "slices").ExpectInteger();
        var fill = arguments.Find(1, "fill_with");
        if (count == 0)
            throw new TemplateException("ZeroDivisionError", "integer division or modulo by zero");
        if (count > limits.StepsMax)
            throw TemplateException.Limit("list members", limits.StepsMax);
        if (count < 0)
            return SequenceValue.Generator([]);
        var (size, longer) = ((int)(items.Count / count), (int)(items.Count % count));
        var slices = new List<TemplateValue>();
        for (int i = 0, at = 0; i < count; i++)
        {
            var length = size + (i < longer ? 1 : 0);
            var part = items.Skip(at).Take(length).ToList();
            at += length;
            if (fill is not (null or NoneValue) && i >= longer)
                part.Add(fill);
            slices.Add(SequenceValue.List(part));
        }

        return SequenceValue.Generator(slices);
    }
}
