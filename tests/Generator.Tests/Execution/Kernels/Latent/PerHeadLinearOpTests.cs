using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Kernels.Linears;
using Parley.Generator.Tests.Execution.Kernels.Linears;

namespace Parley.Generator.Tests.Execution.Kernels.Latent;

/// <summary>Linears per head within ONNX Runtime, on two threads: each head is its own linear.</summary>
public sealed class PerHeadLinearOpTests
{
    private const int Heads = 5;

    /// <summary>Token by token in with columns that are left out, head by head out; and the other way round.</summary>
    [Theory]
    [InlineData(64, 64, 48, 4, true, 96, false, true)]
    [InlineData(64, 64, 40, 8, false, 64, true, false)]
    [InlineData(32, 16, 33, 8, false, 24, false, true)]
    [InlineData(96, 80, 24, 4, true, 80, true, false)]
    public void RunQuantized_AnyRows_GivesTheBitsOfALinearOfEachHead(
        int inputs, int used, int outputs, int bits, bool minima, int stride, bool inputByHead, bool outputByHead)
    {
        LinearCase[] heads = [.. Enumerable.Range(0, Heads).Select(head => new LinearCase(outputs, inputs, 32, bits, minima, seed: head))];
        using var session = Open(graph => graph
            .Constant("codes", OnnxGraphWriter.UInt8, heads.SelectMany(head => head.Codes).ToArray(),
                heads.Sum(head => head.Codes.Length) / BlockBytes(inputs), BlockBytes(inputs))
            .Constant("scales", OnnxGraphWriter.Float16, MemoryMarshal.AsBytes<Half>([.. heads.SelectMany(head => head.Halves)]),
                Heads * ((outputs + 15) / 16), heads[0].Halves.Length / ((outputs + 15) / 16))
            .Node("QuantizedPerHeadLinear", CustomOpDomain.Name, ["x", "codes", "scales"], ["y"],
                [
                    .. Attributes(used, outputs, stride, inputByHead, outputByHead), ("K", (long)inputs), ("bits", (long)bits),
                    ("group", 32L), ("layout", (long)heads[0].Layout),
                ]));
        foreach (var count in new[] { 1, 2, 5, 40, 3, 130, 0 })
        {
            var tokens = Rows(count, used);

            var actual = Run(session, Layout(tokens, count, used, stride, inputByHead), count, inputByHead ? used : stride, inputByHead);

            var expected = heads.Select((head, h) =>
            {
                var rows = new float[count * inputs];
                for (var token = 0; token < count; token++)
                    tokens[h].AsSpan(token * used, used).CopyTo(rows.AsSpan(token * inputs));
                return head.Run(QuantizedLinearKernel.ScalarVariant, rows);
            }).ToArray();
            Assert.Equal(Arrange(expected, count, outputs, outputByHead), actual);
        }
    }

    [Theory]
    [InlineData(24, 31, 40, false, true)]
    [InlineData(33, 16, 33, true, false)]
    [InlineData(16, 8, 16, false, false)]
    public void RunFloat_AnyRows_EqualsDoublePrecisionInTheSameBitsAlone(
        int used, int outputs, int stride, bool inputByHead, bool outputByHead)
    {
        var random = new Random(3);
        float[] weights = [.. Enumerable.Range(0, Heads * outputs * used).Select(_ => random.NextSingle() - 0.5f)];
        using var session = Open(graph => graph
            .Constant("weights", OnnxGraphWriter.Float, MemoryMarshal.AsBytes<float>(weights), Heads, outputs, used)
            .Node("PerHeadLinear", CustomOpDomain.Name, ["x", "weights"], ["y"],
                [.. Attributes(used, outputs, stride, inputByHead, outputByHead)]));
        var tokens = Rows(30, used);
        var all = Run(session, Layout(tokens, 30, used, stride, inputByHead), 30, inputByHead ? used : stride, inputByHead);
        var expected = Enumerable.Range(0, Heads).Select(head => Enumerable.Range(0, 30 * outputs).Select(i =>
        {
            var (token, output) = (i / outputs, i % outputs);
            return (float)Enumerable.Range(0, used)
                .Sum(k => (double)tokens[head][(token * used) + k] * weights[(((head * outputs) + output) * used) + k]);
        }).ToArray()).ToArray();
        var arranged = Arrange(expected, 30, outputs, outputByHead);
        for (var i = 0; i < arranged.Length; i++)
            Assert.Equal(arranged[i], all[i], 2e-6 * arranged.Max(MathF.Abs));

        foreach (var token in new[] { 0, 7, 29 })
        {
            var alone = tokens.Select(head => head[(token * used)..((token + 1) * used)]).ToArray();
            var one = Run(session, Layout(alone, 1, used, stride, inputByHead), 1, inputByHead ? used : stride, inputByHead);
            for (var head = 0; head < Heads; head++)
            {
                var start = outputByHead ? ((head * 30) + token) * outputs : ((token * Heads) + head) * outputs;
                Assert.Equal(all[start..(start + outputs)], one[(head * outputs)..((head + 1) * outputs)]);
            }
        }
    }

    [Theory]
    [InlineData("num_heads", 0L, "num_heads is 0")]
    [InlineData("stride", 8L, "stride 8 does not fit inputs 16")]
    [InlineData("N", 9L, "weights is [5, 8, 16], not [5, 9, 16]")]
    [InlineData("N", 1L << 40, "N is 1099511627776")]
    public void Load_NodeThatDoesNotFit_IsRefusedByName(string attribute, long value, string named)
    {
        var exception = Assert.Throws<OnnxRuntimeException>(() => Open(graph => graph
            .Constant("weights", OnnxGraphWriter.Float, MemoryMarshal.AsBytes<float>(new float[5 * 8 * 16]), 5, 8, 16)
            .Node("PerHeadLinear", CustomOpDomain.Name, ["x", "weights"], ["y"],
            [
                .. Attributes(16, 8, 16, false, false).Where(entry => entry.Name != attribute), (attribute, value),
            ])).Dispose());

        Assert.Contains(named, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_RowsOfAnotherWidth_IsAnErrorThatNamesBoth()
    {
        using var session = Open(graph => graph
            .Constant("weights", OnnxGraphWriter.Float, MemoryMarshal.AsBytes<float>(new float[5 * 8 * 16]), 5, 8, 16)
            .Node("PerHeadLinear", CustomOpDomain.Name, ["x", "weights"], ["y"], [.. Attributes(16, 8, 16, false, false)]));

        var exception = Assert.Throws<OnnxRuntimeException>(() => Run(session, new float[3 * 5 * 8], 3, 8, byHead: false));

        Assert.Contains("rows are [3, 40], not of 80 columns for 5 heads", exception.Message, StringComparison.Ordinal);
    }

    private static int BlockBytes(int inputs) => (int)PackageFormat.QuantizedLinearLayout.BlockBytes(inputs);

    private static IEnumerable<(string Name, object Value)> Attributes(
        int used, int outputs, int stride, bool inputByHead, bool outputByHead) =>
    [
        ("num_heads", (long)Heads), ("inputs", (long)used), ("N", (long)outputs), ("stride", (long)stride),
        ("input_by_head", inputByHead ? 1L : 0L), ("output_by_head", outputByHead ? 1L : 0L),
    ];

    private static InferenceSession Open(Action<OnnxGraphWriter> add)
    {
        var graph = new OnnxGraphWriter().Input("x", OnnxGraphWriter.Float, -1, -1);
        add(graph);
        using var options = OnnxRuntimeSetup.CreateSessionOptions();
        options.IntraOpNumThreads = 2;
        return new InferenceSession(graph.Output("y", OnnxGraphWriter.Float, -1, -1).ToModel(), options);
    }

    private static float[][] Rows(int count, int used)
    {
        var random = new Random(count);
        return
        [
            .. Enumerable.Range(0, Heads).Select(_ => Enumerable.Range(0, count * used).Select(_ => random.NextSingle() - 0.5f).ToArray()),
        ];
    }

    /// <summary>Rows of all heads as the operator takes them; what it leaves out is NaN.</summary>
    private static float[] Layout(float[][] heads, int count, int used, int stride, bool byHead)
    {
        if (byHead)
            return [.. heads.SelectMany(rows => rows)];
        var input = new float[count * Heads * stride];
        input.AsSpan().Fill(float.NaN);
        for (var token = 0; token < count; token++)
        {
            for (var head = 0; head < Heads; head++)
                heads[head].AsSpan(token * used, used).CopyTo(input.AsSpan(((token * Heads) + head) * stride));
        }

        return input;
    }

    private static float[] Arrange(float[][] heads, int count, int outputs, bool byHead) => byHead
        ? [.. heads.SelectMany(rows => rows)]
        : [.. Enumerable.Range(0, count).SelectMany(token => heads.SelectMany(rows => rows[(token * outputs)..((token + 1) * outputs)]))];

    private static float[] Run(InferenceSession session, float[] rows, int count, int width, bool byHead)
    {
        long[] shape = byHead ? [count * Heads, width] : [count, Heads * width];
        using var input = OrtValue.CreateTensorValueFromMemory(rows, shape);
        using var options = new RunOptions();
        using var outputs = session.Run(options, ["x"], [input], ["y"]);
        return outputs[0].GetTensorDataAsSpan<float>().ToArray();
    }
}
