using Parley.ModelImporter.Safetensors;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Forms;

/// <summary>
/// The columns of a matrix that share a scale. Sorted by group, group g has columns <c>Starts[g]</c> to <c>Starts[g + 1]</c>.
/// </summary>
internal sealed class ColumnGroups
{
    private ColumnGroups(int[] starts, InputOrder? order) => (Starts, Order) = (starts, order);

    /// <summary>First column of each group among the sorted ones, and their end.</summary>
    public int[] Starts { get; }

    /// <summary>How columns are sorted by group; null where they lie so.</summary>
    public InputOrder? Order { get; }

    public int Count => Starts.Length - 1;

    public int Columns => Starts[^1];

    /// <summary>Groups of one size after each other; the last one may be smaller.</summary>
    public static ColumnGroups Even(int columns, int size) =>
        new([.. Enumerable.Range(0, (columns + size - 1) / size).Select(group => group * size), columns], null);

    /// <summary>Groups as a list has them, one number for each column; null where a number is no group.</summary>
    public static ColumnGroups? Listed(ReadOnlySpan<int> groups, int count)
    {
        var starts = new int[count + 1];
        foreach (var group in groups)
        {
            if ((uint)group >= (uint)count)
                return null;
            starts[group + 1]++;
        }

        for (var group = 0; group < count; group++)
            starts[group + 1] += starts[group];
        var (order, next) = (new int[groups.Length], starts.ToArray());
        for (var column = 0; column < groups.Length; column++)
            order[next[groups[column]]++] = column;
        var isSorted = order.AsSpan().SequenceEqual([.. Enumerable.Range(0, order.Length)]);
        return new ColumnGroups(starts, isSorted ? null : new InputOrder(order));
    }

    /// <summary>The largest group of a package that none of these cuts through; null where there is none.</summary>
    public int? PackageGroup
    {
        get
        {
            if (Columns % QuantizedLinearLayout.InputsMultiple != 0)
                return null;
            foreach (var size in QuantizedLinearLayout.Groups)
            {
                if (Starts.All(start => start % size == 0))
                    return size;
            }

            return null;
        }
    }
}
