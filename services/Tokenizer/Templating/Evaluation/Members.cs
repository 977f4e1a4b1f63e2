using System.Numerics;
using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>Attributes, elements and slices, as Jinja's immutable sandbox looks them up.</summary>
internal sealed class Members
{
    private readonly TextMembers _texts;

    public Members(TemplateLimits limits) => _texts = new TextMembers(limits, this);

    /// <summary><c>owner.name</c>: the object's own member first, then the element of that name.</summary>
    public TemplateValue Attribute(TemplateValue owner, TextValue name)
    {
        if (owner is UndefinedValue undefined)
            throw undefined.Fault();
        return Own(owner, name.Text) ?? ElementOrNull(owner, name) ?? UndefinedValue.Member(owner, name);
    }

    /// <summary>The object's own member, never an element (the filter <c>attr</c>).</summary>
    public TemplateValue OwnAttribute(TemplateValue owner, string name) => owner is UndefinedValue undefined
        ? throw undefined.Fault()
        : Own(owner, name) ?? UndefinedValue.Member(owner, new TextValue(name));

    public TemplateValue Attribute(TemplateValue owner, string name) => Attribute(owner, new TextValue(name));

    /// <summary><c>owner[key]</c>: the element first, then the object's own member of that name.</summary>
    public TemplateValue Element(TemplateValue owner, TemplateValue key)
    {
        if (owner is UndefinedValue undefined)
            throw undefined.Fault();
        return ElementOrNull(owner, key) ?? (key is TextValue text ? Own(owner, text.Text) : null) ?? UndefinedValue.Member(owner, key);
    }

    public static TemplateValue Slice(TemplateValue owner, TemplateValue? start, TemplateValue? stop, TemplateValue? step)
    {
        switch (owner)
        {
            case UndefinedValue undefined:
                throw undefined.Fault();
            case TextValue text:
                return SliceText(text, start, stop, step);
            case SequenceValue { Kind: SequenceValue.Form.List or SequenceValue.Form.Tuple or SequenceValue.Form.Range } sequence:
                var (from, to, by) = Bounds(sequence.Items.Count, start, stop, step);
                var range = sequence.Bounds;
                return new SequenceValue(sequence.Kind,
                    [.. Indices(sequence.Items.Count, start, stop, step).Select(at => sequence.Items[at])])
                {
                    Bounds = (range.Start + (from * range.Step), range.Start + (to * range.Step), range.Step * by),
                };
            case DictionaryValue:
                throw TemplateException.Type("unhashable type: 'slice'");
            default:
                throw TemplateException.Type($"'{owner.TypeName}' object is not subscriptable");
        }
    }

    private static TextValue SliceText(TextValue text, TemplateValue? start, TemplateValue? stop, TemplateValue? step)
    {
        if (!text.HasPairs && (step is null or NoneValue))
        {
            var (from, to, _) = Bounds(text.Text.Length, start, stop, step);
            return text.Part((int)from, (int)Math.Max(0, to - from));
        }

        var items = text.Iterate();
        var builder = new TextBuilder(PythonText.CharactersMax);
        foreach (var at in Indices(items.Count, start, stop, step))
            builder.Append((TextValue)items[at]);
        return builder.ToValue(text.IsMarkup);
    }

    private static IEnumerable<int> Indices(int count, TemplateValue? start, TemplateValue? stop, TemplateValue? step)
    {
        var (from, to, by) = Bounds(count, start, stop, step);
        for (var at = from; by > 0 ? at < to : at > to; at += by)
            yield return (int)at;
    }

    // Python's slice.indices.
    private static (long From, long To, long By) Bounds(int count, TemplateValue? start, TemplateValue? stop, TemplateValue? step)
    {
        var by = step is null or NoneValue ? 1 : Index(step);
        if (by == 0)
            throw TemplateException.Value("slice step cannot be zero");
        by = Math.Clamp(by, -int.MaxValue, int.MaxValue);
        var (low, high) = by > 0 ? (0L, (long)count) : (-1L, count - 1L);
        var from = start is null or NoneValue ? (by > 0 ? low : high) : Clamp(Index(start));
        var to = stop is null or NoneValue ? (by > 0 ? high : low) : Clamp(Index(stop));
        return (from, to, by);

        long Clamp(long value) => Math.Clamp(value < 0 ? value + count : value, low, high);
    }

    private static long Index(TemplateValue value) => value switch
    {
        IntegerValue or BooleanValue => (long)BigInteger.Min(BigInteger.Max(value.ExpectWhole(), -int.MaxValue), int.MaxValue),
        UndefinedValue undefined => throw undefined.Fault(),
        _ => throw TemplateException.Type("slice indices must be integers or None or have an __index__ method"),
    };

    private static TemplateValue? ElementOrNull(TemplateValue owner, TemplateValue key)
    {
        switch (owner)
        {
            case DictionaryValue dictionary:
                return key is SequenceValue { Kind: not SequenceValue.Form.Tuple } or DictionaryValue ? null
                    : dictionary.TryGet(key, out var value) ? value : null;
            case TextValue or SequenceValue { Kind: SequenceValue.Form.List or SequenceValue.Form.Tuple or SequenceValue.Form.Range }
                when key is IntegerValue or BooleanValue:
                var items = owner is TextValue text && !text.HasPairs ? null : owner.Iterate();
                var count = items?.Count ?? ((TextValue)owner).Text.Length;
                var at = Index(key);
                at = at < 0 ? at + count : at;
                if (at < 0 || at >= count)
                    return null;
                return items is null ? ((TextValue)owner).Part((int)at, 1) : items[(int)at];
            default:
                return null;
        }
    }

    private TemplateValue? Own(TemplateValue owner, string name)
    {
        if (name.StartsWith('_'))
            return owner is NamespaceValue ? null : DunderOrNull(owner, name);
        return owner switch
        {
            TextValue text => _texts.Find(text, name),
            DictionaryValue dictionary => OfDictionary(dictionary, name),
            SequenceValue { Kind: SequenceValue.Form.List or SequenceValue.Form.Tuple or SequenceValue.Form.Range } sequence =>
                OfSequence(sequence, name),
            SequenceValue { Kind: not SequenceValue.Form.Generator } view => OfView(view, name),
            NamespaceValue space => space.TryGet(name, out var value) ? value : null,
            LoopValue loop => loop.Attribute(name),
            FunctionValue function => function.Computed?.Invoke(name) ?? function.Attributes?.GetValueOrDefault(name),
            IntegerValue or BooleanValue => OfWhole(owner.ExpectWhole(), name),
            FloatValue number => OfFloat(number.Value, name),
            _ => null,
        };
    }

    // Underscored members exist in Python but the sandbox refuses them; what does not exist is merely undefined.
    private static UndefinedValue? DunderOrNull(TemplateValue owner, string name) =>
        name is "__class__" or "__init__" or "__dict__" or "__doc__" or "__getattribute__" or "__len__" or "__str__" or "__repr__"
            ? UndefinedValue.Unsafe(owner, name)
            : null;

    private static TemplateValue? OfDictionary(DictionaryValue dictionary, string name) => name switch
    {
        "items" => Method(_ => new SequenceValue(SequenceValue.Form.Items, Pairs(dictionary))),
        "keys" => Method(_ => new SequenceValue(SequenceValue.Form.Keys, dictionary.Iterate())),
        "values" => Method(_ => new SequenceValue(SequenceValue.Form.Values, [.. dictionary.Entries.Select(entry => entry.Value)])),
        "get" => Method(arguments =>
            dictionary.TryGet(arguments.Require(0, "key"), out var value) ? value : arguments.Find(1, "default") ?? NoneValue.Instance),
        "copy" => Method(_ => dictionary),
        "fromkeys" => Method(arguments => FromKeys(arguments)),
        "clear" or "pop" or "popitem" or "setdefault" or "update" => UndefinedValue.Unsafe(dictionary, name),
        _ => null,
    };

    /// <summary>dict.fromkeys.</summary>
    public static DictionaryValue FromKeys(CallArguments arguments)
    {
        var value = arguments.Find(1, "value") ?? NoneValue.Instance;
        return new DictionaryValue(arguments.Require(0, "iterable").Iterate().Select(key => KeyValuePair.Create(key, value)));
    }

    public static IReadOnlyList<TemplateValue> Pairs(DictionaryValue dictionary) =>
        [.. dictionary.Entries.Select(entry => SequenceValue.Tuple(entry.Key, entry.Value))];

    private static TemplateValue? OfWhole(BigInteger value, string name) => name switch
    {
        "real" or "numerator" => TemplateValue.Of(value),
        "imag" => TemplateValue.Of(0),
        "denominator" => TemplateValue.Of(1),
        "conjugate" => Method(_ => TemplateValue.Of(value)),
        "bit_length" => Method(_ => TemplateValue.Of((long)BigInteger.Abs(value).GetBitLength())),
        "bit_count" => Method(_ => TemplateValue.Of((long)BigInteger.PopCount(BigInteger.Abs(value)))),
        "as_integer_ratio" => Method(_ => SequenceValue.Tuple(TemplateValue.Of(value), TemplateValue.Of(1))),
        "to_bytes" or "from_bytes" => Method(_ => throw TemplateException.Type($"{name}() needs bytes, which templates here do not have")),
        _ => null,
    };

    private static TemplateValue? OfFloat(double value, string name) => name switch
    {
        "real" => new FloatValue(value),
        "imag" => new FloatValue(0),
        "conjugate" => Method(_ => new FloatValue(value)),
        "is_integer" => Method(_ => TemplateValue.Of(double.IsFinite(value) && value == Math.Floor(value))),
        "as_integer_ratio" => Method(_ =>
        {
            if (!double.IsFinite(value))
                PythonNumber.ToWhole(value);
            var (numerator, denominator) = PythonNumber.Fraction(value);
            return SequenceValue.Tuple(TemplateValue.Of(numerator), TemplateValue.Of(denominator));
        }),
        _ => null,
    };

    private static FunctionValue? OfView(SequenceValue view, string name) => name switch
    {
        "isdisjoint" when view.Kind != SequenceValue.Form.Values => Method(arguments =>
            TemplateValue.Of(!arguments.Require(0, "other").Iterate().Any(item => view.Items.Contains(item, PythonEquality.Instance)))),
        _ => null,
    };

    private static TemplateValue? OfSequence(SequenceValue sequence, string name) => name switch
    {
        _ when sequence.Names is { } names && names.ToList().IndexOf(name) is >= 0 and var at => sequence.Items[at],
        "count" => Method(arguments =>
        {
            var wanted = arguments.AtMost(1, "value").Require(0, "value");
            return TemplateValue.Of(sequence.Items.Count(item => PythonEquality.AreEqual(item, wanted)));
        }),
        "index" => Method(arguments =>
        {
            var wanted = arguments.Require(0, "value");
            var (from, to, _) = Bounds(sequence.Items.Count, arguments.Find(1, "start"), arguments.Find(2, "stop"), null);
            for (var i = (int)from; i < to; i++)
            {
                if (PythonEquality.AreEqual(sequence.Items[i], wanted))
                    return TemplateValue.Of(i);
            }

            throw TemplateException.Value($"{PythonText.Repr(wanted).Text} is not in {sequence.TypeName}");
        }),
        "start" or "stop" or "step" when sequence.Kind == SequenceValue.Form.Range => TemplateValue.Of(
            name == "start" ? sequence.Bounds.Start : name == "stop" ? sequence.Bounds.Stop : sequence.Bounds.Step),
        "copy" when sequence.Kind == SequenceValue.Form.List => Method(_ => sequence),
        "append" or "clear" or "pop" or "reverse" or "insert" or "sort" or "extend" or "remove"
            when sequence.Kind == SequenceValue.Form.List => UndefinedValue.Unsafe(sequence, name),
        _ => null,
    };

    private static FunctionValue Method(Func<CallArguments, TemplateValue> call) => new("builtin_function_or_method", call);
}
