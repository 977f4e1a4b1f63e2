using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Kernels.Experts;
using Parley.PackageFormat;

namespace Parley.Benchmarks;

/// <summary>The mixtures of experts of some layers with random weights, each in a session: a graph holds 2 GB at the most.</summary>
internal sealed class ExpertsBenchModel : IDisposable
{
    private readonly InferenceSession[] _layers;
    private readonly RunOptions _run = new();

    public ExpertsBenchModel(ExpertsShape shape, int threads, int spinMicroseconds)
    {
        Shape = shape;
        _layers = [.. Enumerable.Range(0, shape.Layers).Select(layer =>
        {
            using var options = SessionFactory.CreateOptions(threads, spinMicroseconds);
            return new InferenceSession(Graph(shape, layer), options);
        })];
    }

    public ExpertsShape Shape { get; }

    /// <summary>Sizes as <c>hidden,intermediate,experts,chosen,layers</c> and a format as <c>bits-group-grid</c>.</summary>
    public static ExpertsShape Parse(string sizes, string format)
    {
        var numbers = sizes.Split(',').Select(word => int.Parse(word, CultureInfo.InvariantCulture)).ToArray();
        var words = format.Split('-');
        return new ExpertsShape(
            numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], int.Parse(words[0], CultureInfo.InvariantCulture),
            int.Parse(words[1], CultureInfo.InvariantCulture), words[2]);
    }

    /// <summary>Random logits of so many calls of so many rows.</summary>
    public OrtValue[] Logits(int rows, int count)
    {
        var random = new Random(2);
        return [.. Enumerable.Range(0, count).Select(_ =>
        {
            var logits = new float[rows * Shape.Experts];
            foreach (ref var logit in logits.AsSpan())
                logit = random.NextSingle() * 8;
            return OrtValue.CreateTensorValueFromMemory(logits, [rows, Shape.Experts]);
        })];
    }

    /// <summary>How many experts the rows of a call choose, counted by sorting.</summary>
    public int Distinct(OrtValue logits, int rows)
    {
        var values = logits.GetTensorDataAsSpan<float>().ToArray();
        return Enumerable.Range(0, rows).SelectMany(row => Enumerable.Range(0, Shape.Experts)
            .OrderByDescending(expert => values[(row * Shape.Experts) + expert]).Take(Shape.TopK)).Distinct().Count();
    }

    public void Run(int layer, OrtValue rows, OrtValue logits, OrtValue output) =>
        _layers[layer].Run(_run, ["x", "router"], [rows, logits], ["y"], [output]);

    public void Dispose()
    {
        foreach (var layer in _layers)
            layer.Dispose();
        _run.Dispose();
    }

    private static byte[] Graph(ExpertsShape shape, int layer)
    {
        var graph = new OnnxGraphWriter();
        var random = new Random(layer);
        (string Name, object Value)[] attributes =
        [
            ("experts", (long)shape.Experts), ("top_k", (long)shape.TopK), ("hidden", (long)shape.Hidden),
            ("intermediate", (long)shape.Intermediate), ("normalize", 1L),
            .. Add(graph, "gate_up", 2 * shape.Intermediate, shape.Hidden, shape, random),
            .. Add(graph, "down", shape.Hidden, shape.Intermediate, shape, random),
        ];
        return graph
            .Input("x", OnnxGraphWriter.Float, -1, shape.Hidden)
            .Input("router", OnnxGraphWriter.Float, -1, shape.Experts)
            .Node(QuantizedMixtureOfExpertsOp.OpName, CustomOpDomain.Name,
                ["x", "router", "", "gate_up.w", "gate_up.s", "", "down.w", "down.s"], ["y"], attributes)
            .Output("y", OnnxGraphWriter.Float, -1, shape.Hidden)
            .ToModel();
    }

    private static (string Name, object Value)[] Add(
        OnnxGraphWriter graph, string name, int outputs, int inputs, ExpertsShape shape, Random random)
    {
        var (planes, blocks) = (shape.Bits / 4, QuantizedLinearLayout.Blocks(outputs));
        var codes = new byte[QuantizedLinearLayout.CodeBytes(outputs, inputs, planes) * shape.Experts];
        random.NextBytes(codes);
        var halves = QuantizedLinearLayout.BlockScales(inputs, shape.Group, shape.Minima);
        var scales = new Half[(long)shape.Experts * blocks * halves];
        Array.Fill(scales, (Half)0.001f);
        graph.Constant($"{name}.w", OnnxGraphWriter.UInt8, codes, shape.Experts * planes * blocks, QuantizedLinearLayout.BlockBytes(inputs))
            .Constant($"{name}.s", OnnxGraphWriter.Float16, MemoryMarshal.AsBytes<Half>(scales), shape.Experts * blocks, halves);
        var layout = QuantizedLinearLayout.VersionOf(planes, shape.Group, shape.Minima, shape.Levels is not null);
        (string Name, object Value)[] format =
            [($"{name}_layout", (long)layout), ($"{name}_bits", (long)shape.Bits), ($"{name}_group", (long)shape.Group)];
        return shape.Levels is { } levels
            ? [.. format, ($"{name}_levels", levels.Levels.ToArray().Select(level => (long)level).ToArray())]
            : format;
    }
}
