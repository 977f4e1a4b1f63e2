namespace Parley.Tokenizer.Templating.Values;

/// <summary>A whole number of 64 bits; arithmetic that leaves them is an error.</summary>
internal sealed class IntegerValue(long value) : TemplateValue
{
    private const int SmallMin = -8;
    private static readonly IntegerValue[] Small = [.. Enumerable.Range(SmallMin, 264).Select(value => new IntegerValue(value))];

    public static IntegerValue Shared(long value) =>
        value >= SmallMin && value < SmallMin + Small.Length ? Small[value - SmallMin] : new IntegerValue(value);

    public long Value { get; } = value;

    public override string TypeName => "int";

    public override bool IsTrue => Value != 0;
}
