using System.Numerics;

namespace Parley.Tokenizer.Templating.Values;

/// <summary>A whole number of any size that the limits allow.</summary>
internal sealed class IntegerValue(BigInteger value) : TemplateValue
{
    private const int SmallMin = -8;
    private static readonly IntegerValue[] Small = [.. Enumerable.Range(SmallMin, 264).Select(value => new IntegerValue(value))];

    public static IntegerValue Shared(long value) =>
        value >= SmallMin && value < SmallMin + Small.Length ? Small[value - SmallMin] : new IntegerValue(value);

    public BigInteger Value { get; } = value;

    public override string TypeName => "int";

    public override bool IsTrue => !Value.IsZero;
}
