using System.Runtime.InteropServices;
using System.Text;

namespace Parley.Benchmarks.Forms;

/// <summary>Writes one matrix in a form.</summary>
/// <param name="kind">The form.</param>
/// <param name="file">Takes its tensors.</param>
internal sealed class FormEncoder(StoredKind kind, FormFileWriter file)
{
    private const int Group = 64;

    /// <summary>The levels of nf4: quantiles of a normal distribution.</summary>
    private static readonly float[] Nf4 =
    [
        -1, -0.6961928f, -0.52507305f, -0.3949175f, -0.28444138f, -0.18477343f, -0.09105004f, 0, 0.0795803f, 0.1609302f, 0.2461123f,
        0.33791524f, 0.44070983f, 0.562617f, 0.72295684f, 1,
    ];

    private static readonly float[] Fp4 = [0, 0.5f, 1, 1.5f, 2, 3, 4, 6];

    private static readonly float[] E4M3 = [.. Enumerable.Range(0, 127).Select(code => (code >> 3) == 0
        ? (code & 7) / 512f : MathF.Pow(2, (code >> 3) - 7) * (1 + ((code & 7) / 8f)))];

    /// <summary>Fields of config.json.</summary>
    public string Configuration => kind switch
    {
        StoredKind.Gptq => """{"quantization_config":{"quant_method":"gptq","bits":4,"group_size":64,"checkpoint_format":"gptq"}}""",
        StoredKind.GptqSorted => """{"quantization_config":{"quant_method":"gptq","bits":4,"group_size":64,"desc_act":true}}""",
        StoredKind.Awq => """{"quantization_config":{"quant_method":"awq","bits":4,"group_size":64,"version":"gemm"}}""",
        StoredKind.CompressedInt4 => Compressed("pack-quantized", """{"num_bits":4,"group_size":32}"""),
        StoredKind.CompressedInt8 => Compressed("int-quantized", """{"num_bits":8}"""),
        StoredKind.Nvfp4 => Compressed("nvfp4-pack-quantized", """{"num_bits":4,"group_size":16}"""),
        StoredKind.Fp8 => """{"quantization_config":{"quant_method":"fp8","weight_block_size":[128,128]}}""",
        StoredKind.Nf4 => """{"quantization_config":{"quant_method":"bitsandbytes","load_in_4bit":true}}""",
        _ => $$"""{"quantization":{"group_size":64,"bits":{{MlxBits}} } }""",
    };

    private int MlxBits => kind switch { StoredKind.Mlx3 => 3, StoredKind.Mlx6 => 6, _ => 4 };

    /// <summary>Writes a matrix.</summary>
    /// <param name="module">Its module.</param>
    /// <param name="weights">[rows, columns].</param>
    /// <param name="columns">Columns.</param>
    public void Write(string module, float[] weights, int columns)
    {
        var rows = weights.Length / columns;
        switch (kind)
        {
            case StoredKind.Gptq or StoredKind.GptqSorted:
                WriteGptq(module, weights, rows, columns);
                break;
            case StoredKind.Awq:
                WriteAwq(module, new RoundedRows(weights, columns, Group, 4, isSymmetric: false), rows, columns);
                break;
            case StoredKind.CompressedInt4:
                var four = new RoundedRows(weights, columns, 32, 4, isSymmetric: true);
                file.Add($"{module}.weight_packed", "I32", [rows, columns / 8], Nibbles(four.Codes));
                file.Add($"{module}.weight_scale", "F16", [rows, columns / 32], Halves(four.Scales));
                file.Add($"{module}.weight_shape", "I64", [2], Bytes([(long)rows, columns]));
                break;
            case StoredKind.CompressedInt8:
                var eight = new RoundedRows(weights, columns, columns, 8, isSymmetric: true);
                file.Add($"{module}.weight", "I8", [rows, columns], [.. eight.Codes.Select(code => (byte)(code ^ 128))]);
                file.Add($"{module}.weight_scale", "F16", [rows, 1], Halves(eight.Scales));
                break;
            case StoredKind.Fp8:
                WriteFp8(module, weights, rows, columns);
                break;
            case StoredKind.Nvfp4:
                WriteNvfp4(module, weights, rows, columns);
                break;
            case StoredKind.Nf4:
                WriteNf4(module, weights, rows, columns);
                break;
            default:
                WriteMlx(module, weights, rows, columns);
                break;
        }
    }

    private static string Compressed(string format, string weights) => $$$"""
        {"quantization_config":{"quant_method":"compressed-tensors","format":"{{{format}}}",
         "config_groups":{"group_0":{"weights":{{{weights}}} } } } }
        """;

    private void WriteGptq(string module, float[] weights, int rows, int columns)
    {
        int[]? order = null;
        if (kind == StoredKind.GptqSorted)
        {
            var squares = new double[columns];
            for (var i = 0; i < weights.Length; i++)
                squares[i % columns] += weights[i] * weights[i];
            order = [.. Enumerable.Range(0, columns).OrderByDescending(column => squares[column])];
        }

        var rounded = new RoundedRows(weights, columns, Group, 4, order is null, order);
        var (words, zeros) = (new uint[weights.Length / 8], new uint[columns / Group * rows / 8]);
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
                words[(column / 8 * rows) + row] |= (uint)rounded.Codes[(row * columns) + column] << (column % 8 * 4);
            for (var g = 0; g < columns / Group; g++)
                zeros[((g * rows) + row) / 8] |= (uint)(rounded.Zeros[(row * columns / Group) + g] - 1) << (row % 8 * 4);
        }

        var groups = Enumerable.Range(0, columns).Select(column => column / Group).ToArray();
        for (var i = 0; i < columns && order is not null; i++)
            groups[order[i]] = i / Group;
        file.Add($"{module}.qweight", "I32", [columns / 8, rows], Bytes(words));
        file.Add($"{module}.qzeros", "I32", [columns / Group, rows / 8], Bytes(zeros));
        file.Add($"{module}.scales", "F16", [columns / Group, rows], Halves(Turn(rounded.Scales, rows)));
        file.Add($"{module}.g_idx", "I32", [columns], Bytes(groups));
    }

    private void WriteAwq(string module, RoundedRows rounded, int rows, int columns)
    {
        int[] places = [0, 4, 1, 5, 2, 6, 3, 7];
        var (words, zeros) = (new uint[rows * columns / 8], new uint[columns / Group * rows / 8]);
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
                words[((column * rows) + row) / 8] |= (uint)rounded.Codes[(row * columns) + column] << (4 * places[row % 8]);
            for (var g = 0; g < columns / Group; g++)
                zeros[((g * rows) + row) / 8] |= (uint)rounded.Zeros[(row * columns / Group) + g] << (4 * places[row % 8]);
        }

        file.Add($"{module}.qweight", "I32", [columns, rows / 8], Bytes(words));
        file.Add($"{module}.qzeros", "I32", [columns / Group, rows / 8], Bytes(zeros));
        file.Add($"{module}.scales", "F16", [columns / Group, rows], Halves(Turn(rounded.Scales, rows)));
    }

    private void WriteMlx(string module, float[] weights, int rows, int columns)
    {
        var rounded = new RoundedRows(weights, columns, Group, MlxBits, isSymmetric: false);
        var words = new byte[weights.Length / 8 * MlxBits];
        Parallel.For(0, rows, row =>
        {
            for (var i = row * columns; i < (row + 1) * columns; i++)
            {
                var bit = (long)i * MlxBits;
                var pair = rounded.Codes[i] << (int)(bit % 8);
                words[bit / 8] |= (byte)pair;
                if (pair > 255)
                    words[(bit / 8) + 1] |= (byte)(pair >> 8);
            }
        });
        var biases = rounded.Scales.Select((scale, i) => -scale * rounded.Zeros[i]).ToArray();
        file.Add($"{module}.weight", "U32", [rows, columns * MlxBits / 32], words);
        file.Add($"{module}.scales", "F16", [rows, columns / Group], Halves(rounded.Scales));
        file.Add($"{module}.biases", "F16", [rows, columns / Group], Halves(biases));
    }

    private void WriteFp8(string module, float[] weights, int rows, int columns)
    {
        const int Block = 128;
        var (down, across) = ((rows + Block - 1) / Block, (columns + Block - 1) / Block);
        var (scales, codes) = (new float[down * across], new byte[weights.Length]);
        for (var i = 0; i < weights.Length; i++)
        {
            ref var scale = ref scales[(i / columns / Block * across) + (i % columns / Block)];
            scale = Math.Max(scale, Math.Abs(weights[i]) / 448);
        }

        Parallel.For(0, rows, row =>
        {
            for (var i = row * columns; i < (row + 1) * columns; i++)
                codes[i] = Nearest(E4M3, weights[i], scales[(row / Block * across) + (i % columns / Block)], 128);
        });
        file.Add($"{module}.weight", "F8_E4M3", [rows, columns], codes);
        file.Add($"{module}.weight_scale_inv", "F32", [down, across], Bytes(scales));
    }

    private void WriteNvfp4(string module, float[] weights, int rows, int columns)
    {
        const int Sixteen = 16;
        var (scales, codes) = (new byte[weights.Length / Sixteen], new byte[weights.Length]);
        var global = 448 * 6 / weights.Max(MathF.Abs);
        Parallel.For(0, scales.Length, g =>
        {
            var run = weights.AsSpan(g * Sixteen, Sixteen);
            scales[g] = Math.Max((byte)1, Nearest(E4M3, run.ToArray().Max(MathF.Abs) / 6 * global, 1, 0));
            for (var i = 0; i < Sixteen; i++)
                codes[(g * Sixteen) + i] = Nearest(Fp4, run[i], E4M3[scales[g]] / global, 8);
        });
        file.Add($"{module}.weight_packed", "U8", [rows, columns / 2], Nibbles(codes));
        file.Add($"{module}.weight_scale", "F8_E4M3", [rows, columns / Sixteen], scales);
        file.Add($"{module}.weight_global_scale", "F32", [1], BitConverter.GetBytes(global));
    }

    private void WriteNf4(string module, float[] weights, int rows, int columns)
    {
        var (maxima, codes) = (new float[weights.Length / Group], new byte[weights.Length]);
        Parallel.For(0, maxima.Length, block =>
        {
            var run = weights.AsSpan(block * Group, Group);
            maxima[block] = Math.Max(run.ToArray().Max(MathF.Abs), 1e-9f);
            for (var i = 0; i < Group; i++)
            {
                var share = run[i] / maxima[block];
                var code = 0;
                while (code < 15 && share > (Nf4[code] + Nf4[code + 1]) / 2)
                    code++;
                // The high nibble comes first.
                codes[((block * Group) + i) ^ 1] = (byte)code;
            }
        });
        var state = Encoding.UTF8.GetBytes(
            $$"""{"quant_type":"nf4","blocksize":64,"dtype":"bfloat16","shape":[{{rows}},{{columns}}]}""");
        file.Add($"{module}.weight", "U8", [weights.Length / 2, 1], Nibbles(codes));
        file.Add($"{module}.weight.absmax", "F32", [maxima.Length], Bytes(maxima));
        file.Add($"{module}.weight.quant_map", "F32", [16], Bytes(Nf4));
        file.Add($"{module}.weight.quant_state.bitsandbytes__nf4", "U8", [state.Length], state);
    }

    private static byte Nearest(float[] magnitudes, float weight, float scale, int sign)
    {
        var wanted = Math.Abs(weight) / Math.Max(scale, 1e-30f);
        var place = Array.BinarySearch(magnitudes, wanted);
        if (place < 0)
        {
            place = Math.Min(~place, magnitudes.Length - 1);
            if (place > 0 && wanted - magnitudes[place - 1] < magnitudes[place] - wanted)
                place--;
        }

        return (byte)(weight < 0 ? place + sign : place);
    }

    private static byte[] Nibbles(byte[] codes) =>
        [.. Enumerable.Range(0, codes.Length / 2).Select(i => (byte)(codes[2 * i] | (codes[(2 * i) + 1] << 4)))];

    private static float[] Turn(float[] values, int rows) =>
        [.. Enumerable.Range(0, values.Length).Select(i => values[((i % rows) * (values.Length / rows)) + (i / rows)])];

    private static byte[] Halves(float[] values) => Bytes(values.Select(value => (Half)value).ToArray());

    private static byte[] Bytes<T>(T[] values)
        where T : unmanaged => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
}
