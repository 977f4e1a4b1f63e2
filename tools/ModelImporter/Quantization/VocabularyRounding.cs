using System.Numerics.Tensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>Rows of embedding and head, rounded and widened again: what their precision would cost.</summary>
internal static class VocabularyRounding
{
    private const int SmallGroup = 32;

    /// <summary>Bits that can be tried: 8 (a scale per block, as stored), 6 (a scale per 32), 4 (scale and minimum per 32).</summary>
    public static IReadOnlyList<int> Bits { get; } = [8, 6, 4];

    /// <param name="row">A row; a multiple of 32.</param>
    /// <param name="bits">One of <see cref="Bits"/>.</param>
    public static void Round(Span<float> row, int bits)
    {
        var group = bits == 8 ? BlockLayout.BlockFor(row.Length) ?? SmallGroup : SmallGroup;
        for (var start = 0; start < row.Length; start += group)
        {
            var weights = row.Slice(start, group);
            if (bits == 4)
            {
                var grid = GroupGrid.Fit(weights);
                foreach (ref var weight in weights)
                    weight = grid.Value(grid.Code(weight));
                continue;
            }

            var scale = MathF.Abs(TensorPrimitives.MaxMagnitude<float>(weights)) / ((1 << (bits - 1)) - 1);
            if (scale == 0)
                continue;
            foreach (ref var weight in weights)
                weight = MathF.Round(weight / scale) * scale;
        }
    }
}
