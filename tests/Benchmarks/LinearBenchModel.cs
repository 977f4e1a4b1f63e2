using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Kernels.Linears;
using Parley.PackageFormat;

namespace Parley.Benchmarks;

/// <summary>A graph of the linears of some layers in one format, with random weights; every linear reads its input anew.</summary>
internal sealed class LinearBenchModel
{
    private static readonly (int Outputs, int Inputs)[] Shapes = [(3072, 2048), (2048, 2048), (16384, 2048), (2048, 8192)];

    private readonly string _format;
    private readonly List<(string Name, int Columns)> _outputs = [];

    /// <param name="format">One of <see cref="Formats"/>.</param>
    /// <param name="layers">Number of layers.</param>
    public LinearBenchModel(string format, int layers)
    {
        _format = format;
        var graph = new OnnxGraphWriter();
        var type = format == "w8a8" ? OnnxGraphWriter.UInt8 : OnnxGraphWriter.Float;
        foreach (var inputs in Shapes.Select(shape => shape.Inputs).Distinct())
            graph.Input($"x{inputs}", type, -1, inputs);
        if (format == "w8a8")
            graph.Constant("one", OnnxGraphWriter.Float, BitConverter.GetBytes(1f)).Constant("zero", OnnxGraphWriter.UInt8, [128]);
        for (var layer = 0; layer < layers; layer++)
        {
            foreach (var (outputs, inputs) in Shapes)
                Add(graph, $"y{_outputs.Count}", outputs, inputs);
        }

        AllProducts = Products * layers;
        Bytes = graph.ToModel();
    }

    /// <summary>
    /// Our operator (4 bits with minima unless a table of levels or <c>-scale</c> is named; 8 bits without unless <c>-minima</c> is), then
    /// ONNX Runtime's.
    /// </summary>
    public static string[] Formats { get; } =
    [
        "own4-128", "own4-32", "own4-32-scale", "own4-32-iq4", "own4-16", "own8-128", "own8-32", "own8-32-minima", "own8-16", "ort4-128",
        "ort4-32", "ort8-128", "w8a8",
    ];

    /// <summary>Multiply-adds of a layer and row.</summary>
    public static double Products { get; } = Shapes.Sum(shape => (double)shape.Outputs * shape.Inputs);

    public double AllProducts { get; }

    public byte[] Bytes { get; }

    /// <summary>Bytes that one run reads of weights and scales.</summary>
    public long WeightBytes { get; private set; }

    /// <summary>Binds random rows, and outputs that all share one buffer.</summary>
    public IDisposable Bind(OrtIoBinding binding, int rows)
    {
        var values = new List<IDisposable>();
        var random = new Random(1);
        var element = _format == "w8a8" ? sizeof(byte) : sizeof(float);
        foreach (var inputs in Shapes.Select(shape => shape.Inputs).Distinct())
        {
            var buffer = new AlignedBuffer((long)rows * inputs * element);
            if (element == 1)
                random.NextBytes(buffer.Span<byte>(rows * inputs));
            else
            {
                foreach (ref var x in buffer.Span<float>(rows * inputs))
                    x = random.NextSingle() - 0.5f;
            }

            var value = buffer.View(element == 1 ? TensorElementType.UInt8 : TensorElementType.Float, element, rows, inputs);
            binding.BindInput($"x{inputs}", value);
            values.AddRange([value, buffer]);
        }

        var shared = new AlignedBuffer((long)rows * Shapes.Max(shape => shape.Outputs) * sizeof(float));
        foreach (var (name, columns) in _outputs)
        {
            var value = shared.View(TensorElementType.Float, sizeof(float), rows, columns);
            binding.BindOutput(name, value);
            values.Add(value);
        }

        values.Add(shared);
        return new Bound(values);
    }

    private void Add(OnnxGraphWriter graph, string name, int outputs, int inputs)
    {
        _outputs.Add((name, outputs));
        graph.Output(name, OnnxGraphWriter.Float, -1, outputs);
        if (_format == "w8a8")
            AddInteger(graph, name, outputs, inputs);
        else
        {
            var words = _format.Split('-');
            var bits = _format[3] - '0';
            var group = int.Parse(words[1], System.Globalization.CultureInfo.InvariantCulture);
            if (_format.StartsWith("own", StringComparison.Ordinal))
                AddOwn(graph, name, (outputs, inputs), bits, group, words.Length > 2 ? words[2] : "");
            else
                AddBlocks(graph, name, outputs, inputs, bits, group);
        }
    }

    private void AddOwn(OnnxGraphWriter graph, string name, (int Outputs, int Inputs) size, int bits, int group, string grid)
    {
        var (outputs, inputs) = size;
        var blocks = QuantizedLinearLayout.Blocks(outputs);
        var levels = grid == "iq4" ? LevelTable.Iq4 : null;
        var minima = bits == 4 ? levels is null && grid != "scale" : grid == "minima";
        var halves = QuantizedLinearLayout.BlockScales(inputs, group, minima);
        var scales = new Half[blocks * halves];
        Array.Fill(scales, (Half)0.001f);
        (string Name, object Value)[] attributes =
        [
            ("layout", (long)QuantizedLinearLayout.VersionOf(bits / 4, group, minima, levels is not null)), ("K", (long)inputs),
            ("N", (long)outputs), ("bits", (long)bits), ("group", (long)group),
        ];
        if (levels is not null)
            attributes = [.. attributes, ("levels", levels.Levels.ToArray().Select(level => (long)level).ToArray())];
        graph.Constant($"{name}.w", OnnxGraphWriter.UInt8, Weights((long)outputs * inputs * bits / 8), bits / 4 * blocks,
                QuantizedLinearLayout.BlockBytes(inputs))
            .Constant($"{name}.s", OnnxGraphWriter.Float16, Count(MemoryMarshal.AsBytes<Half>(scales)), blocks, halves)
            .Node(QuantizedLinearOp.OpName, CustomOpDomain.Name, [$"x{inputs}", $"{name}.w", $"{name}.s"], [name], attributes);
    }

    private void AddBlocks(OnnxGraphWriter graph, string name, int outputs, int inputs, int bits, int block)
    {
        var scales = new float[outputs * (inputs / block)];
        Array.Fill(scales, 0.001f);
        graph.Constant($"{name}.w", OnnxGraphWriter.UInt8, Weights((long)outputs * inputs * bits / 8), outputs, inputs / block,
                block * bits / 8)
            .Constant($"{name}.s", OnnxGraphWriter.Float, Count(MemoryMarshal.AsBytes<float>(scales)), outputs, inputs / block)
            .Node("MatMulNBits", "com.microsoft", [$"x{inputs}", $"{name}.w", $"{name}.s"], [name],
                ("K", (long)inputs), ("N", (long)outputs), ("bits", (long)bits), ("block_size", (long)block), ("accuracy_level", 4L));
    }

    private void AddInteger(OnnxGraphWriter graph, string name, int outputs, int inputs)
    {
        var scales = new float[outputs];
        Array.Fill(scales, 0.001f);
        graph.Constant($"{name}.w", OnnxGraphWriter.Int8, Weights((long)outputs * inputs), inputs, outputs)
            .Constant($"{name}.s", OnnxGraphWriter.Float, Count(MemoryMarshal.AsBytes<float>(scales)), outputs)
            .Node("MatMulIntegerToFloat", "com.microsoft", [$"x{inputs}", $"{name}.w", "one", $"{name}.s", "zero"], [name]);
    }

    private byte[] Weights(long bytes)
    {
        var weights = new byte[bytes];
        new Random(_outputs.Count).NextBytes(weights);
        WeightBytes += bytes;
        return weights;
    }

    private ReadOnlySpan<byte> Count(ReadOnlySpan<byte> scales)
    {
        WeightBytes += scales.Length;
        return scales;
    }

    private sealed class Bound(List<IDisposable> values) : IDisposable
    {
        public void Dispose()
        {
            foreach (var value in values)
                value.Dispose();
        }
    }
}
