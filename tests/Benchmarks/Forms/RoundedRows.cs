namespace Parley.Benchmarks.Forms;

/// <summary>A matrix rounded to the nearest code of each group: codes [rows, columns], scales and zero points [rows, groups].</summary>
internal sealed class RoundedRows
{
    /// <param name="weights">[rows, columns].</param>
    /// <param name="columns">Columns.</param>
    /// <param name="group">Columns of a group, in their order.</param>
    /// <param name="bits">Bits of a code.</param>
    /// <param name="isSymmetric">Whether the zero point is in the middle.</param>
    /// <param name="order">Position of a column → the column; null for their own order.</param>
    public RoundedRows(float[] weights, int columns, int group, int bits, bool isSymmetric, int[]? order = null)
    {
        var (rows, groups, top) = (weights.Length / columns, columns / group, (1 << bits) - 1);
        (Codes, Scales, Zeros) = (new byte[weights.Length], new float[rows * groups], new byte[rows * groups]);
        Parallel.For(0, rows, row =>
        {
            for (var g = 0; g < groups; g++)
            {
                var (low, high) = (0f, 0f);
                for (var i = g * group; i < (g + 1) * group; i++)
                {
                    var weight = weights[(row * columns) + (order?[i] ?? i)];
                    (low, high) = (Math.Min(low, weight), Math.Max(high, weight));
                }

                var scale = isSymmetric ? 2 * Math.Max(-low, high) / top : (high - low) / top;
                scale = Math.Max((float)(Half)scale, 1e-6f);
                var zero = isSymmetric ? (top + 1) / 2 : (int)Math.Clamp(MathF.Round(-low / scale), 1, top);
                (Scales[(row * groups) + g], Zeros[(row * groups) + g]) = (scale, (byte)zero);
                for (var i = g * group; i < (g + 1) * group; i++)
                {
                    var place = (row * columns) + (order?[i] ?? i);
                    Codes[place] = (byte)Math.Clamp(MathF.Round(weights[place] / scale) + zero, 0, top);
                }
            }
        });
    }

    public byte[] Codes { get; }

    public float[] Scales { get; }

    public byte[] Zeros { get; }
}
