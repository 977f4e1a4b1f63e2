using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Kernels.Rows;

namespace Parley.Generator.Tests.Execution.Kernels.Rows;

/// <summary>Rows of a table as they are stored, within ONNX Runtime.</summary>
public sealed class RowGatherOpTests
{
    private const int Rows = 40;
    private const int Columns = 96;
    private const float Scale = 0.75f;

    private static readonly long[] Ids = [3, 39, 0, 3, 17];

    [Theory]
    [InlineData(4, 32, false)]
    [InlineData(4, 16, true)]
    [InlineData(8, 32, false)]
    [InlineData(8, 32, true)]
    public void Run_Codes_AreWidenedByTheirGroups(int bits, int group, bool minima)
    {
        var random = new Random(bits + group);
        var (codes, groups) = (new int[Rows * Columns], Columns / group);
        for (var i = 0; i < codes.Length; i++)
            codes[i] = random.Next(1 << bits);
        Half[] scales = [.. Enumerable.Range(0, Rows * groups).Select(_ => (Half)(random.NextSingle() + 0.1f))];
        Half[] minimums = [.. Enumerable.Range(0, Rows * groups).Select(_ => (Half)(-random.NextSingle()))];
        var table = Enumerable.Range(0, Rows).SelectMany(row => Row(
            bits, codes[(row * Columns)..((row + 1) * Columns)], scales[(row * groups)..((row + 1) * groups)],
            minima ? minimums[(row * groups)..((row + 1) * groups)] : [])).ToArray();
        using var session = Open(table, true, ("bits", (long)bits), ("group", (long)group), ("minima", minima ? 1L : 0L));
        var added = Added();

        var actual = Run(session, Ids, added);

        for (var i = 0; i < actual.Length; i++)
        {
            var (row, column) = ((int)Ids[i / Columns], i % Columns);
            var at = (row * groups) + (column / group);
            var weight = minima ? (codes[(row * Columns) + column] * (float)scales[at]) + (float)minimums[at]
                : (codes[(row * Columns) + column] - (1 << (bits - 1))) * (float)scales[at];
            Assert.Equal((Scale * weight) + added[i], actual[i], 1e-4f * (1 + Math.Abs(weight)));
        }
    }

    [Theory]
    [InlineData(OnnxGraphWriter.Float)]
    [InlineData(OnnxGraphWriter.Float16)]
    [InlineData(OnnxGraphWriter.BFloat16)]
    public void Run_Numbers_AreThoseOfTheirType(int type)
    {
        var random = new Random(type);
        float[] numbers = [.. Enumerable.Range(0, Rows * Columns).Select(_ => random.Next(-100, 100) / 64f)];
        byte[] table = type switch
        {
            OnnxGraphWriter.Float => [.. numbers.SelectMany(BitConverter.GetBytes)],
            OnnxGraphWriter.Float16 => [.. numbers.SelectMany(number => BitConverter.GetBytes((Half)number))],
            _ => [.. numbers.SelectMany(number => BitConverter.GetBytes((ushort)(BitConverter.SingleToUInt32Bits(number) >> 16)))],
        };
        using var session = Open(table, false, ("type", (long)type));

        var actual = Run(session, Ids, null);

        Assert.Equal(
            Ids.SelectMany(id => numbers[((int)id * Columns)..(((int)id + 1) * Columns)].Select(number => number * Scale)), actual);
    }

    [Theory]
    [InlineData(40)]
    [InlineData(-1)]
    public void Run_IdOutsideTheTable_IsNamed(long id)
    {
        using var session = Open(new byte[Rows * Columns * sizeof(float)], false);

        var message = Assert.Throws<OnnxRuntimeException>(() => Run(session, [0, id], null)).Message;

        Assert.Contains($"index 1 is {id}, the table has 40 rows", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bits", 5L, "bits 5 and group 0")]
    [InlineData("K", 97L, "do not fit 97 numbers")]
    [InlineData("K", 0L, "K is 0")]
    [InlineData("type", 7L, "type is 7")]
    public void Open_AttributeThatDoesNotFit_IsNamed(string name, long value, string fault)
    {
        var message = Assert.Throws<OnnxRuntimeException>(
            () => Open(new byte[Rows * Columns * sizeof(float)], false, (name, value)).Dispose()).Message;

        Assert.Contains(fault, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_AddedOfAnotherSize_IsAnError()
    {
        using var session = Open(new byte[Rows * Columns * sizeof(float)], true);

        var message = Assert.Throws<OnnxRuntimeException>(() => Run(session, Ids, new float[Columns])).Message;

        Assert.Contains("what is added is [1, 96], not [5, 96]", message, StringComparison.Ordinal);
    }

    private static IEnumerable<byte> Row(int bits, int[] codes, Half[] scales, Half[] minimums)
    {
        var bytes = bits == 8 ? codes.Select(code => (byte)code)
            : codes.Chunk(2).Select(pair => (byte)(pair[0] | (pair[1] << 4)));
        return [.. bytes, .. MemoryMarshal.AsBytes<Half>(scales), .. MemoryMarshal.AsBytes<Half>(minimums)];
    }

    private static float[] Added() => [.. Enumerable.Range(0, Ids.Length * Columns).Select(i => (i % 13) - 6f)];

    private static InferenceSession Open(byte[] table, bool hasAdded, params (string Name, object Value)[] changed)
    {
        (string Name, object Value)[] attributes = [("K", (long)Columns), ("scale", Scale)];
        var names = changed.Select(attribute => attribute.Name).ToList();
        var graph = new OnnxGraphWriter().Input("ids", OnnxGraphWriter.Int64, -1)
            .Constant("table", OnnxGraphWriter.UInt8, table, Rows, table.Length / Rows);
        if (hasAdded)
            graph.Input("added", OnnxGraphWriter.Float, -1, -1);
        var model = graph.Node(RowGatherOp.OpName, CustomOpDomain.Name, hasAdded ? ["ids", "table", "added"] : ["ids", "table"], ["y"],
            [.. attributes.Where(attribute => !names.Contains(attribute.Name)), .. changed])
            .Output("y", OnnxGraphWriter.Float, -1, -1).ToModel();
        using var options = OnnxRuntimeSetup.CreateSessionOptions();
        options.IntraOpNumThreads = 2;
        return new InferenceSession(model, options);
    }

    private static float[] Run(InferenceSession session, long[] ids, float[]? added)
    {
        using var first = OrtValue.CreateTensorValueFromMemory(ids, [ids.Length]);
        using var second = OrtValue.CreateTensorValueFromMemory(added ?? [], [(added?.Length ?? 0) / Columns, Columns]);
        var inputs = new Dictionary<string, OrtValue> { ["ids"] = first };
        if (added is not null)
            inputs["added"] = second;
        using var run = new RunOptions();
        using var outputs = session.Run(run, inputs, ["y"]);
        return outputs[0].GetTensorDataAsSpan<float>().ToArray();
    }
}
