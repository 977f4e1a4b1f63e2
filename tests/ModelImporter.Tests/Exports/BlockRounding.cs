namespace Parley.ModelImporter.Tests.Exports;

/// <summary>Rounds a matrix as MatMulNBits stores one, and puts what the codes stand for in the place of the weights.</summary>
internal static class BlockRounding
{
    public static (byte[] Codes, float[] Scales, byte[] Zeros) Round(float[] weights, int inputs, int bits, int block, bool hasZeros)
    {
        var (rows, blocks, top) = (weights.Length / inputs, inputs / block, (1 << bits) - 1);
        var codes = new byte[weights.Length * bits / 8];
        var scales = new float[rows * blocks];
        var zeroRow = ((blocks * bits) + 7) / 8;
        var zeros = new byte[rows * zeroRow];
        for (var i = 0; i < scales.Length; i++)
        {
            var values = weights.AsSpan(i * block, block);
            var (low, high) = (0f, 0f);
            foreach (var value in values)
                (low, high) = (Math.Min(low, value), Math.Max(high, value));
            var magnitude = Math.Max(-low, high);
            // A half, as packages keep scales.
            var scale = (float)(Half)(hasZeros ? (high - low) / top : 2 * magnitude / top);
            var zero = hasZeros ? (int)Math.Clamp(MathF.Round(-low / scale), 0, top) : (top + 1) / 2;
            scales[i] = scale;
            Put(zeros.AsSpan(i / blocks * zeroRow, zeroRow), i % blocks, zero, bits);
            for (var j = 0; j < block; j++)
            {
                var code = (int)Math.Clamp(MathF.Round(values[j] / scale) + zero, 0, top);
                Put(codes, (i * block) + j, code, bits);
                values[j] = (code - zero) * scale;
            }
        }

        return (codes, scales, zeros);
    }

    private static void Put(Span<byte> bytes, int index, int code, int bits) =>
        bytes[index * bits / 8] |= (byte)(bits == 4 && index % 2 == 1 ? code << 4 : code);
}
