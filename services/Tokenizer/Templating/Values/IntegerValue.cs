namespace Parley.Tokenizer.Templating.Values;

/// <summary>A whole number of 64 bits; arithmetic that leaves them is an error.</summary>
internal sealed class IntegerValue(long value) : TemplateValue
{
    public long Value { get; } = value;

    public override string TypeName => "int";

    public override bool IsTrue => Value != 0;
}
