namespace Parley.Tokenizer.Templating.Values;

/// <summary>Something that can be called: a global, a macro, a bound method.</summary>
internal sealed class FunctionValue(string typeName, Func<CallArguments, TemplateValue> call) : TemplateValue
{
    public override string TypeName { get; } = typeName;

    /// <summary>Attributes that it shows, e.g. a macro's name; null for none.</summary>
    public IReadOnlyDictionary<string, TemplateValue>? Attributes { get; init; }

    /// <summary>Attributes that change, by name; null for none.</summary>
    public Func<string, TemplateValue?>? Computed { get; init; }

    public TemplateValue Call(CallArguments arguments) => call(arguments);
}
