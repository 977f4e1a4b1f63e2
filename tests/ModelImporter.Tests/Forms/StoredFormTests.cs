using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Tests.Forms;

/// <summary>Each form in shapes that published models have and fixtures have not: every weight is its definition's, to the bit.</summary>
public sealed class StoredFormTests
{
    private static readonly float[] Fp4 = [0, 0.5f, 1, 1.5f, 2, 3, 4, 6, -0f, -0.5f, -1, -1.5f, -2, -3, -4, -6];

    [Theory]
    [InlineData(4, 96, 96, 32, true, false, null)]
    [InlineData(4, 32, 96, 96, false, false, 8)]
    [InlineData(4, 160, 64, 16, true, true, null)]
    [InlineData(8, 64, 64, 64, true, false, null)]
    [InlineData(8, 64, 64, 32, true, true, 128)]
    [InlineData(2, 96, 64, 32, false, true, null)]
    [InlineData(3, 64, 96, 32, false, false, null)]
    [InlineData(3, 64, 96, 32, true, false, 4)]
    [InlineData(4, 64, 200, 40, false, true, null)]
    public void Gptq_OfAnyWidth_IsItsDefinition(int bits, int rows, int columns, int group, bool isFirst, bool isShuffled, int? zero)
    {
        var matrix = new FormMatrix(rows, columns, group, bits, zero, isShuffled);
        using var file = Gptq(matrix, isFirst);
        if (!isShuffled)
            file.Without(".g_idx");

        var format = isFirst ? "gptq" : "gptq_v2";
        var tensors = file.Open(Config($$"""{"quant_method":"gptq","bits":{{bits}},"checkpoint_format":"{{format}}"}"""));

        Check(tensors, matrix.Weights());
        var grid = tensors.GridOf($"{FormFile.Module}.weight");
        Assert.Equal(columns % 32 == 0, grid is not null);
        Assert.Equal(zero is null && grid is not null, grid?.HasMinima ?? false);
        Assert.Equal(isShuffled && grid is not null, grid?.Order is not null);
    }

    [Theory]
    [InlineData(72, 64, 32)]
    [InlineData(64, 100, 50)]
    [InlineData(136, 128, 128)]
    public void Awq_OfAnyShape_IsItsDefinition(int rows, int columns, int group)
    {
        var matrix = new FormMatrix(rows, columns, group, 4);
        using var file = Awq(matrix);

        Check(file.Open(Config("""{"quant_method":"awq","bits":4,"version":"gemm"}""")), matrix.Weights());
    }

    [Theory]
    [InlineData(4, 40, 96, 32, true, false)]
    [InlineData(4, 40, 96, 32, false, true)]
    [InlineData(8, 40, 64, 64, true, false)]
    [InlineData(8, 24, 64, 32, false, false)]
    [InlineData(3, 24, 64, 32, false, false)]
    [InlineData(4, 24, 80, 32, true, false)]
    public void CompressedIntegers_OfAnyWidth_AreTheirDefinition(
        int bits, int rows, int columns, int group, bool isSymmetric, bool isShuffled)
    {
        var matrix = new FormMatrix(rows, columns, group, bits, isSymmetric ? 1 << (bits - 1) : null, isShuffled);
        using var file = Packed(matrix, isSymmetric);

        var tensors = file.Open(Compressed(bits, group, "pack-quantized"));

        Check(tensors, matrix.Weights());
    }

    [Theory]
    [InlineData(64, true)]
    [InlineData(32, true)]
    [InlineData(32, false)]
    public void CompressedBytes_OfAnyGroup_AreTheirDefinition(int group, bool isSymmetric)
    {
        var matrix = new FormMatrix(24, 64, group, 8, isSymmetric ? 128 : null);
        using var file = new FormFile()
            .Add(".weight", "I8", [24, 64], matrix.Codes.Select(code => (sbyte)(code - 128)).ToArray())
            .Add(".weight_scale", "F16", [24, matrix.Groups], matrix.Scales.Select(scale => (Half)scale).ToArray())
            .Add(".weight_zero_point", "I8", [24, matrix.Groups], matrix.Zeros.Select(zero => (sbyte)(zero - 128)).ToArray());

        var tensors = file.Open(Compressed(8, group, "int-quantized"));

        Check(tensors, matrix.Weights());
        Assert.Equal(!isSymmetric, tensors.GridOf($"{FormFile.Module}.weight")!.HasMinima);
    }

    [Theory]
    [InlineData("nvfp4-pack-quantized", 16)]
    [InlineData("mxfp4-pack-quantized", 32)]
    public void CompressedFloatsOf4Bits_AreTheirDefinition(string format, int group)
    {
        var matrix = new FormMatrix(24, 96, group, 4);
        byte[] scales = [.. matrix.Zeros.Select(zero => (byte)(group == 16 ? 0x30 + zero : 118 + zero))];
        using var file = new FormFile()
            .Add(".weight_packed", "U8", [24, 48], Pairs(matrix.Codes, isHighFirst: false))
            .Add(".weight_scale", group == 16 ? "F8_E4M3" : "U8", [24, matrix.Groups], scales);
        if (group == 16)
            file.Add(".weight_global_scale", "F32", [1], [7f]);

        var tensors = file.Open(Compressed(4, group, format));

        Check(tensors, matrix.Weights((code, _, zero) =>
            Fp4[code] * (group == 16 ? E4M3(0x30 + zero) / 7f : MathF.Pow(2, zero - 9))));
    }

    [Theory]
    [InlineData("[]", 1, 1)]
    [InlineData("channel", 40, 1)]
    [InlineData("block", 3, 4)]
    [InlineData("mx", 40, 4)]
    public void CompressedFloatsOf8Bits_AreTheirDefinition(string strategy, int down, int across)
    {
        const int Rows = 40, Columns = 128;
        var random = new Random(9);
        byte[] codes = [.. Enumerable.Range(0, Rows * Columns).Select(_ => (byte)random.Next(0, 120))];
        float[] scales = [.. Enumerable.Range(0, down * across).Select(i => MathF.Pow(2, -(i % 5)) * (strategy == "mx" ? 1 : 1.25f))];
        using var file = new FormFile().Add(".weight", "F8_E4M3", [Rows, Columns], codes);
        if (strategy == "mx")
            file.Add(".weight_scale", "U8", [down, across], scales.Select(scale => (byte)(127 + MathF.Log2(scale))).ToArray());
        else
            file.Add(".weight_scale", "F32", strategy == "[]" ? [1] : [down, across], scales);

        var tensors = file.Open(Config(
            """
            {"quant_method":"compressed-tensors","format":"float-quantized",
             "config_groups":{"group_0":{"weights":{"num_bits":8,"type":"float","block_structure":[16,32]}}}}
            """));

        Check(tensors, [.. codes.Select((code, i) =>
        {
            var (row, column) = (i / Columns, i % Columns);
            var scale = strategy switch
            {
                "channel" => scales[row],
                "block" => scales[(row / 16 * across) + (column / 32)],
                "mx" => scales[(row * across) + (column / 32)],
                _ => scales[0],
            };
            return E4M3(code) * scale;
        })]);
        Assert.True(tensors.IsRounded($"{FormFile.Module}.weight"));
    }

    /// <summary>Blocks that nothing divides, scales that are powers of two, and a stack of experts under one name.</summary>
    [Fact]
    public void Fp8_StackWithExponents_IsItsDefinition()
    {
        const string Name = "model.layers.0.mlp.experts.gate_up_proj";
        var random = new Random(3);
        byte[] codes = [.. Enumerable.Range(0, 2 * 20 * 30).Select(_ => (byte)random.Next(0, 120))];
        byte[] scales = [.. Enumerable.Range(0, 2 * 3 * 2).Select(i => (byte)(120 + i))];
        using var file = new FormFile().Add(Name, "F8_E4M3", [2, 20, 30], codes).Add($"{Name}_scale_inv", "F8_E8M0", [2, 3, 2], scales);

        var tensors = file.Open(Config("""{"quant_method":"fp8","scale_fmt":"ue8m0","weight_block_size":[8,16]}"""));

        Check(tensors, [.. codes.Select((code, i) =>
        {
            var (matrix, row, column) = (i / 600, i / 30 % 20, i % 30);
            return E4M3(code) * MathF.Pow(2, scales[(matrix * 6) + (row / 8 * 2) + (column / 16)] - 127);
        })], Name);
    }

    /// <summary>Blocks of 64 over rows of 96 or 32 go across their borders, and groups are what none of them cuts through.</summary>
    [Theory]
    [InlineData(128, 64, false)]
    [InlineData(96, 64, false)]
    [InlineData(128, 64, true)]
    [InlineData(32, 64, true)]
    public void BitsAndBytes_OfAnyBlock_IsItsDefinition(int columns, int block, bool isDouble)
    {
        const int Rows = 24;
        var random = new Random(4);
        int[] codes = [.. Enumerable.Range(0, Rows * columns).Select(_ => random.Next(16))];
        float[] levels = [.. Enumerable.Range(0, 16).Select(i => ((i * i) - 112.5f) / 112.5f)];
        var blocks = Rows * columns / block;
        float[] maxima = [.. Enumerable.Range(0, blocks).Select(_ => (float)random.NextDouble())];
        float[] map = [.. Enumerable.Range(0, 256).Select(i => (i - 128) / 128f)];
        float[] outer = [.. Enumerable.Range(0, (blocks + 3) / 4).Select(i => 0.5f + i)];
        byte[] inner = [.. Enumerable.Range(0, blocks).Select(i => (byte)(i * 37))];
        using var file = new FormFile()
            .Add(".weight", "U8", [Rows * columns / 2, 1], Pairs(codes, isHighFirst: true))
            .Add(".weight.quant_map", "F32", [16], levels)
            .Add(".weight.quant_state.bitsandbytes__fp4", "U8", [1], new byte[1]);
        var state = System.Text.Encoding.UTF8.GetBytes(
            $$"""{"blocksize":{{block}},"shape":[{{Rows}},{{columns}}],"nested_blocksize":4,"nested_offset":0.03125}""");
        file.With(".weight.quant_state.bitsandbytes__fp4", "U8", [state.Length], state);
        if (isDouble)
        {
            file.Add(".weight.absmax", "U8", [blocks], inner).Add(".weight.nested_quant_map", "F32", [256], map)
                .Add(".weight.nested_absmax", "F32", [outer.Length], outer);
            maxima = [.. inner.Select((code, i) => (map[code] * outer[i / 4]) + 0.03125f)];
        }
        else
            file.Add(".weight.absmax", "F32", [blocks], maxima);

        var tensors = file.Open(Config("""{"quant_method":"bitsandbytes"}"""));

        Check(tensors, [.. codes.Select((code, i) => levels[code] * maxima[i / block])], levels: true);
        Assert.NotNull(tensors.GridOf($"{FormFile.Module}.weight"));
        Assert.Equal(columns == 128 ? 64 : 32, tensors.GridOf($"{FormFile.Module}.weight")!.Group);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(8)]
    public void Mlx_OfAnyWidth_IsItsDefinition(int bits)
    {
        var matrix = new FormMatrix(24, 128, 32, bits);
        using var file = Mlx(matrix);

        var tensors = file.Open("""{"quantization":{"group_size":64,"bits":4,"model.layers.0.mlp.up_proj":{"group_size":32,"bits":"""
            + $"{bits}}}}}}}");

        Check(tensors, matrix.Weights((code, scale, zero) => (-scale * code) + (zero / 16f)));
        Assert.Equal(bits <= 4 ? 4 : 8, tensors.GridOf($"{FormFile.Module}.weight")!.Bits);
    }

    /// <summary>Levels of FP4 with bytes as scales: exponents, or small floats.</summary>
    [Theory]
    [InlineData("mxfp4", 32)]
    [InlineData("nvfp4", 16)]
    public void Mlx_FloatsOf4Bits_AreTheirDefinition(string mode, int group)
    {
        var matrix = new FormMatrix(24, 96, group, 4);
        byte[] scales = [.. matrix.Zeros.Select(zero => (byte)(group == 16 ? 0x30 + zero : 118 + zero))];
        using var file = new FormFile()
            .Add(".weight", "U32", [24, 12], Pairs(matrix.Codes, isHighFirst: false))
            .Add(".scales", "U8", [24, matrix.Groups], scales);

        var tensors = file.Open($$$"""{"quantization":{"mode":"{{{mode}}}","group_size":{{{group}}},"bits":4}}""");

        Check(tensors, matrix.Weights((code, _, zero) =>
            Fp4[code] * (group == 16 ? E4M3(0x30 + zero) : MathF.Pow(2, zero - 9))));
        Assert.True(tensors.IsRounded($"{FormFile.Module}.weight"));
    }

    /// <summary>Experts of a layer lie in one stack; each gets the name that Hugging Face has for it.</summary>
    [Fact]
    public void Mlx_StackOfExperts_IsTakenApart()
    {
        const string Name = "model.layers.0.block_sparse_moe.switch_mlp.up_proj";
        var matrix = new FormMatrix(24, 64, 32, 4);
        var words = new byte[24 * 32];
        for (var i = 0; i < matrix.Codes.Length; i++)
            FormFile.SetBits(words, 4L * i, 4, matrix.Codes[i]);
        using var file = new FormFile().Add($"{Name}.weight", "U32", [3, 8, 8], words)
            .Add($"{Name}.scales", "F16", [3, 8, 2], matrix.Scales.Select(scale => (Half)scale).ToArray())
            .Add($"{Name}.biases", "F16", [3, 8, 2], matrix.Zeros.Select(zero => (Half)zero).ToArray());

        var tensors = file.Open("""{"quantization":{"group_size":32,"bits":4}}""");

        var weights = matrix.Weights((code, scale, zero) => (scale * code) + zero);
        for (var expert = 0; expert < 3; expert++)
        {
            Check(tensors, weights[(expert * 512)..((expert + 1) * 512)],
                $"model.layers.0.block_sparse_moe.experts.{expert}.w3.weight");
        }
    }

    internal static FormFile Gptq(FormMatrix matrix, bool isFirst)
    {
        var words = new byte[matrix.Rows * matrix.Columns * matrix.Bits / 8];
        var zeros = new byte[matrix.Rows * matrix.Groups * matrix.Bits / 8];
        for (var row = 0; row < matrix.Rows; row++)
        {
            for (var column = 0; column < matrix.Columns; column++)
            {
                FormFile.SetColumnBits(
                    words, matrix.Rows, row, (long)column * matrix.Bits, matrix.Bits, matrix.Codes[(row * matrix.Columns) + column]);
            }

            for (var group = 0; group < matrix.Groups; group++)
            {
                FormFile.SetBits(zeros, (((long)group * matrix.Rows) + row) * matrix.Bits, matrix.Bits,
                    matrix.Zeros[(row * matrix.Groups) + group] - (isFirst ? 1 : 0));
            }
        }

        return new FormFile()
            .Add(".qweight", "I32", [matrix.Columns * matrix.Bits / 32, matrix.Rows], words)
            .Add(".qzeros", "I32", [matrix.Groups, matrix.Rows * matrix.Bits / 32], zeros)
            .Add(".scales", "F16", [matrix.Groups, matrix.Rows], matrix.TurnedScales())
            .Add(".g_idx", "I32", [matrix.Columns], matrix.GroupOf);
    }

    internal static FormFile Mlx(FormMatrix matrix)
    {
        var words = new byte[matrix.Rows * matrix.Columns * matrix.Bits / 8];
        for (var i = 0; i < matrix.Codes.Length; i++)
            FormFile.SetBits(words, (long)matrix.Bits * i, matrix.Bits, matrix.Codes[i]);
        return new FormFile().Add(".weight", "U32", [matrix.Rows, matrix.Columns * matrix.Bits / 32], words)
            .Add(".scales", "F16", [matrix.Rows, matrix.Groups], matrix.Scales.Select(scale => (Half)(-scale)).ToArray())
            .Add(".biases", "F16", [matrix.Rows, matrix.Groups], matrix.Zeros.Select(zero => (Half)(zero / 16f)).ToArray());
    }

    internal static FormFile Packed(FormMatrix matrix, bool isSymmetric)
    {
        var perWord = 32 / matrix.Bits;
        var across = (matrix.Columns + perWord - 1) / perWord;
        var down = (matrix.Rows + perWord - 1) / perWord;
        var words = new byte[matrix.Rows * across * 4];
        var zeros = new byte[down * matrix.Groups * 4];
        for (var row = 0; row < matrix.Rows; row++)
        {
            for (var column = 0; column < matrix.Columns; column++)
            {
                FormFile.SetBits(words, ((((long)row * across) + (column / perWord)) * 32) + (column % perWord * matrix.Bits), matrix.Bits,
                    matrix.Codes[(row * matrix.Columns) + column]);
            }

            for (var group = 0; group < matrix.Groups; group++)
            {
                FormFile.SetBits(zeros, ((((long)row / perWord * matrix.Groups) + group) * 32) + (row % perWord * matrix.Bits), matrix.Bits,
                    matrix.Zeros[(row * matrix.Groups) + group]);
            }
        }

        var file = new FormFile()
            .Add(".weight_packed", "I32", [matrix.Rows, across], words)
            .Add(".weight_scale", "F16", [matrix.Rows, matrix.Groups], matrix.Scales.Select(scale => (Half)scale).ToArray())
            .Add(".weight_shape", "I64", [2], new long[] { matrix.Rows, matrix.Columns })
            .Add(".weight_g_idx", "I32", [matrix.Columns], matrix.GroupOf);
        return isSymmetric ? file : file.Add(".weight_zero_point", "I32", [down, matrix.Groups], zeros);
    }

    internal static string Config(string form) => """{"quantization_config":""" + form + "}";

    internal static string Compressed(int bits, int group, string format) => Config(
        $$$"""
        {"quant_method":"compressed-tensors","format":"{{{format}}}",
         "config_groups":{"group_0":{"weights":{"num_bits":{{{bits}}},"group_size":{{{group}}} } } } }
        """);

    private static FormFile Awq(FormMatrix matrix)
    {
        int[] order = [0, 2, 4, 6, 1, 3, 5, 7];
        var words = new byte[matrix.Rows * matrix.Columns / 2];
        var zeros = new byte[matrix.Rows * matrix.Groups / 2];
        for (var row = 0; row < matrix.Rows; row++)
        {
            var place = (row / 8 * 32) + (4 * Array.IndexOf(order, row % 8));
            for (var column = 0; column < matrix.Columns; column++)
                FormFile.SetBits(words, ((long)column * matrix.Rows * 4) + place, 4, matrix.Codes[(row * matrix.Columns) + column]);
            for (var group = 0; group < matrix.Groups; group++)
                FormFile.SetBits(zeros, ((long)group * matrix.Rows * 4) + place, 4, matrix.Zeros[(row * matrix.Groups) + group]);
        }

        return new FormFile()
            .Add(".qweight", "I32", [matrix.Columns, matrix.Rows / 8], words)
            .Add(".qzeros", "I32", [matrix.Groups, matrix.Rows / 8], zeros)
            .Add(".scales", "F16", [matrix.Groups, matrix.Rows], matrix.TurnedScales());
    }

    private static byte[] Pairs(int[] codes, bool isHighFirst) => [.. codes.Chunk(2).Select(pair =>
        (byte)(isHighFirst ? (pair[0] << 4) | pair[1] : pair[0] | (pair[1] << 4)))];

    private static float E4M3(int code)
    {
        var (exponent, fraction) = (code >> 3, code & 7);
        return exponent == 0 ? fraction / 512f : MathF.Pow(2, exponent - 7) * (1 + (fraction / 8f));
    }

    /// <summary>Weights read whole, in pieces, and by the grid, where there is one.</summary>
    private static void Check(CheckpointTensors tensors, float[] expected, string name = $"{FormFile.Module}.weight", bool levels = false)
    {
        var values = new float[expected.Length];
        tensors.Read(name, 0, values);
        Assert.Equal(expected, values);
        var source = tensors.Source(name);
        var columns = (int)source.Shape[^1];
        for (var first = columns / 2; first + (2 * columns) <= values.Length; first += (2 * columns) + 7)
        {
            var piece = new float[2 * columns];
            tensors.Read(name, first, piece);
            Assert.Equal(expected[first..(first + piece.Length)], piece);
        }

        if (tensors.GridOf(name) is not { } grid)
            return;
        var (codes, weights, ordered) = (new byte[columns], new float[columns], new float[columns]);
        var (scales, minimums) = (new float[columns / grid.Group], new float[columns / grid.Group]);
        for (var row = 0; row < values.Length / columns; row++)
        {
            tensors.ReadGrid(name, row, codes, scales, minimums);
            grid.Widen(codes, scales, minimums, ordered);
            if (grid.Order is null)
                ordered.CopyTo(weights, 0);
            else
                grid.Order.Scatter<float>(ordered, weights);
            var largest = weights.Max(MathF.Abs);
            for (var column = 0; column < columns; column++)
            {
                // Sums of products are rounded; tables hold whole numbers of 8 bits.
                Assert.Equal(expected[(row * columns) + column], weights[column], (levels ? 0.01 : 1e-5) * largest);
            }
        }
    }
}
