namespace Parley.Tokenizer.Templating.Values;

/// <summary>True or False.</summary>
internal sealed class BooleanValue : TemplateValue
{
    private BooleanValue(bool value) => IsTrue = value;

    public static BooleanValue True { get; } = new(true);

    public static BooleanValue False { get; } = new(false);

    public override string TypeName => "bool";

    public override bool IsTrue { get; }
}
