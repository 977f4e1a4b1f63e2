namespace Parley.Tokenizer.Templating.Values;

/// <summary>The <c>loop</c> of a for statement.</summary>
internal sealed class LoopValue(IReadOnlyList<TemplateValue> items, int depth, Func<CallArguments, TemplateValue>? recurse) : TemplateValue
{
    private TemplateValue[]? _lastChanged;

    public int Index { get; set; }

    public override string TypeName => "LoopContext";

    public int Count => items.Count;

    public override string ToString() => $"<LoopContext {Index + 1}/{items.Count}>";

    public TemplateValue Call(CallArguments arguments) => recurse is null
        ? throw TemplateException.Type("The loop must have the 'recursive' marker to be called recursively.")
        : recurse(arguments);

    public TemplateValue? Attribute(string name) => name switch
    {
        "index" => Of(Index + 1),
        "index0" => Of(Index),
        "revindex" => Of(items.Count - Index),
        "revindex0" => Of(items.Count - Index - 1),
        "first" => Of(Index == 0),
        "last" => Of(Index == items.Count - 1),
        "length" => Of(items.Count),
        "depth" => Of(depth + 1),
        "depth0" => Of(depth),
        "previtem" => Index > 0 ? items[Index - 1] : UndefinedNeighbour("there is no previous item"),
        "nextitem" => Index + 1 < items.Count ? items[Index + 1] : UndefinedNeighbour("there is no next item"),
        "cycle" => new FunctionValue("method", Cycle),
        "changed" => new FunctionValue("method", Changed),
        _ => null,
    };

    private static UndefinedValue UndefinedNeighbour(string what) => new(() => TemplateException.Undefined(what));

    private TemplateValue Cycle(CallArguments arguments) => arguments.Positional.Count == 0
        ? throw TemplateException.Type("no items for cycling given")
        : arguments.Positional[Index % arguments.Positional.Count];

    private TemplateValue Changed(CallArguments arguments)
    {
        var values = arguments.Positional.ToArray();
        if (_lastChanged is not null && _lastChanged.SequenceEqual(values, PythonEquality.Instance))
            return BooleanValue.False;
        _lastChanged = values;
        return BooleanValue.True;
    }
}
