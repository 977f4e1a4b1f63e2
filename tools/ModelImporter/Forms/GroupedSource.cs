using System.Buffers;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Forms;

/// <summary>A matrix, or a stack of them, of codes in groups of columns: widened row by row while it is read, and never held.</summary>
internal sealed class GroupedSource : TensorSource
{
    private readonly CodeRows _rows;
    private readonly ColumnGroups _groups;
    private readonly CodeMeaning _meaning;
    private readonly Lazy<StoredGrid?> _grid;

    /// <param name="rows">The codes.</param>
    /// <param name="groups">Which columns share a scale.</param>
    /// <param name="meaning">What codes stand for.</param>
    /// <param name="shape">[rows, columns], or more dimensions in front.</param>
    /// <param name="typeName">What the form is called in messages.</param>
    public GroupedSource(CodeRows rows, ColumnGroups groups, CodeMeaning meaning, IReadOnlyList<long> shape, string typeName)
    {
        (_rows, _groups, _meaning, Shape, TypeName) = (rows, groups, meaning, shape, typeName);
        _grid = new(() => groups.PackageGroup is { } group ? meaning.Grid(group, rows.Zero) with { Order = groups.Order } : null);
    }

    public override ITensorFile File => _rows.Codes.File;

    public override string StoredName => _rows.Codes.StoredName;

    public override string TypeName { get; }

    public override IReadOnlyList<long> Shape { get; }

    public override StoredGrid? Grid => _grid.Value;

    public override bool IsRounded => true;

    public override void Check()
    {
    }

    public override void Read(TensorReading? reading, long first, Span<float> values)
    {
        var columns = _groups.Columns;
        var row = ArrayPool<float>.Shared.Rent(columns);
        while (values.Length > 0)
        {
            var (index, column) = (first / columns, (int)(first % columns));
            var count = Math.Min(values.Length, columns - column);
            ReadRow(reading, index, count == columns ? values[..columns] : row.AsSpan(0, columns));
            if (count != columns)
                row.AsSpan(column, count).CopyTo(values);
            first += count;
            values = values[count..];
        }

        ArrayPool<float>.Shared.Return(row);
    }

    public override void ReadGrid(TensorReading? reading, int row, Span<byte> codes, Span<float> scales, Span<float> minimums)
    {
        var (grid, order) = (_grid.Value!, _groups.Order);
        var numbers = ArrayPool<float>.Shared.Rent(2 * _groups.Count);
        var given = numbers.AsSpan(0, _groups.Count);
        var offsets = numbers.AsSpan(_groups.Count, _groups.Count);
        if (order is null)
            _rows.Read(reading, row, codes, given, offsets);
        else
        {
            var stored = ArrayPool<byte>.Shared.Rent(codes.Length);
            _rows.Read(reading, row, stored.AsSpan(0, codes.Length), given, offsets);
            order.Gather<byte>(stored, codes);
            ArrayPool<byte>.Shared.Return(stored);
        }

        _meaning.ToGrid(grid, _rows.Zero, codes, given, offsets);
        for (var (own, group) = (0, 0); own < scales.Length; own++)
        {
            while (_groups.Starts[group + 1] <= own * grid.Group)
                group++;
            scales[own] = given[group];
            if (grid.HasMinima)
                minimums[own] = offsets[group];
        }

        ArrayPool<float>.Shared.Return(numbers);
    }

    private void ReadRow(TensorReading? reading, long row, Span<float> weights)
    {
        var (order, starts) = (_groups.Order, _groups.Starts);
        var numbers = ArrayPool<float>.Shared.Rent((2 * _groups.Count) + (order is null ? 0 : weights.Length));
        var codes = ArrayPool<byte>.Shared.Rent(2 * weights.Length);
        var scales = numbers.AsSpan(0, _groups.Count);
        var offsets = numbers.AsSpan(_groups.Count, _groups.Count);
        var sorted = codes.AsSpan(0, weights.Length);
        _rows.Read(reading, row, sorted, scales, offsets);
        var widened = weights;
        if (order is not null)
        {
            order.Gather<byte>(sorted, codes.AsSpan(weights.Length, weights.Length));
            sorted = codes.AsSpan(weights.Length, weights.Length);
            widened = numbers.AsSpan(2 * _groups.Count, weights.Length);
        }

        for (var group = 0; group < _groups.Count; group++)
        {
            var run = starts[group]..starts[group + 1];
            _meaning.Widen(sorted[run], scales[group], offsets[group], widened[run]);
        }

        order?.Scatter<float>(widened, weights);
        ArrayPool<byte>.Shared.Return(codes);
        ArrayPool<float>.Shared.Return(numbers);
    }
}
