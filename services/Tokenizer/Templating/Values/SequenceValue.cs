namespace Parley.Tokenizer.Templating.Values;

/// <summary>A list, and whatever else is iterated like one: tuples, ranges, views of dictionaries, generators.</summary>
internal sealed class SequenceValue(SequenceValue.Form form, IReadOnlyList<TemplateValue> items) : TemplateValue
{
    // How many members of a generator have been taken.
    private int _taken;

    /// <summary>What Python would call it.</summary>
    internal enum Form
    {
        List,
        Tuple,
        Range,
        Keys,
        Values,
        Items,

        /// <summary>Can be iterated once, has no length and no elements.</summary>
        Generator,
    }

    public static SequenceValue EmptyList { get; } = new(Form.List, []);

    public Form Kind { get; } = form;

    public IReadOnlyList<TemplateValue> Items { get; } = items;

    /// <summary>Names of a tuple's members, e.g. of a group's; null for none.</summary>
    public IReadOnlyList<string>? Names { get; init; }

    /// <summary>Start, stop and step of a range.</summary>
    public (long Start, long Stop, long Step) Bounds { get; init; }

    public override int Depth { get; } = Around(Deepest(items));

    public bool IsGenerator => Kind == Form.Generator;

    public override string TypeName => Kind switch
    {
        Form.List => "list",
        Form.Tuple => "tuple",
        Form.Range => "range",
        Form.Keys => "dict_keys",
        Form.Values => "dict_values",
        Form.Items => "dict_items",
        _ => "generator",
    };

    public override bool IsTrue => IsGenerator || Items.Count > 0;

    public static SequenceValue List(IReadOnlyList<TemplateValue> items) => new(Form.List, items);

    public static SequenceValue Tuple(params IReadOnlyList<TemplateValue> items) => new(Form.Tuple, items);

    public static SequenceValue Generator(IReadOnlyList<TemplateValue> items) => new(Form.Generator, items);

    public override IReadOnlyList<TemplateValue> Iterate()
    {
        if (!IsGenerator)
            return Items;
        var rest = _taken == 0 ? Items : [.. Items.Skip(_taken)];
        _taken = Items.Count;
        return rest;
    }

    private static int Deepest(IReadOnlyList<TemplateValue> items)
    {
        var depth = 0;
        for (var i = 0; i < items.Count; i++)
            depth = Math.Max(depth, items[i].Depth);
        return depth;
    }

    /// <summary>Undoes the taking of a generator's last members, by one who did not want all of them.</summary>
    public void PutBack(int count)
    {
        if (IsGenerator)
            _taken -= count;
    }
}
