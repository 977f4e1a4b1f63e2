using System.Numerics;

namespace Parley.Tokenizer.Templating.Values;

/// <summary>Python's == and hash: 1, 1.0 and True are one key; texts are equal whoever wrote them.</summary>
internal sealed class PythonEquality : IEqualityComparer<TemplateValue>
{
    public static PythonEquality Instance { get; } = new();

    public static bool AreEqual(TemplateValue? x, TemplateValue? y)
    {
        if (ReferenceEquals(x, y))
            return true;
        switch (x, y)
        {
            case (TextValue left, TextValue right):
                return left.Text == right.Text;
            case (FloatValue or IntegerValue or BooleanValue, FloatValue or IntegerValue or BooleanValue):
                return PythonNumber.Compare(x, y) == 0;
            case (SequenceValue left, SequenceValue right):
                return HasValue(left) && left.Kind == right.Kind && left.Items.SequenceEqual(right.Items, Instance);
            case (DictionaryValue left, DictionaryValue right):
                return left.Entries.Count == right.Entries.Count
                    && left.Entries.All(entry => right.TryGet(entry.Key, out var value) && AreEqual(entry.Value, value));
            case (UndefinedValue, UndefinedValue):
                return true;
            default:
                return false;
        }
    }

    public bool Equals(TemplateValue? x, TemplateValue? y) => AreEqual(x, y);

    /// <exception cref="TemplateException">The value cannot be a key.</exception>
    public int GetHashCode(TemplateValue obj) => obj switch
    {
        TextValue text => text.Text.GetHashCode(StringComparison.Ordinal),
        IntegerValue or BooleanValue => obj.ExpectWhole().GetHashCode(),
        FloatValue number => double.IsFinite(number.Value) && number.Value == Math.Floor(number.Value)
            ? new BigInteger(number.Value).GetHashCode()
            : number.Value.GetHashCode(),
        SequenceValue { Kind: SequenceValue.Form.Tuple } tuple =>
            tuple.Items.Aggregate(17, (hash, item) => HashCode.Combine(hash, GetHashCode(item))),
        SequenceValue { Kind: SequenceValue.Form.List } or DictionaryValue =>
            throw TemplateException.Type($"unhashable type: '{obj.TypeName}'"),
        UndefinedValue => 0,
        _ => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(obj),
    };

    // Generators and views of values are equal to themselves only.
    private static bool HasValue(SequenceValue sequence) =>
        sequence.Kind is not (SequenceValue.Form.Generator or SequenceValue.Form.Values);
}
