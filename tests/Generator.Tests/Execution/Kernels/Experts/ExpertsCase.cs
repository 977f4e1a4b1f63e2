using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Kernels.Experts;
using Parley.Generator.Execution.Kernels.Linears;
using Parley.Generator.Tests.Execution.Kernels.Linears;
using Parley.PackageFormat;

namespace Parley.Generator.Tests.Execution.Kernels.Experts;

/// <summary>Random experts, quantised and the same weights as floats, with rows and logits to run them on.</summary>
internal sealed unsafe class ExpertsCase
{
    /// <param name="settings">The operator's attributes.</param>
    /// <param name="format">Of both matrices, as <c>bits-group-what</c>; what is scale, minima or the name of a table.</param>
    /// <param name="biases">Whether there are biases of both matrices.</param>
    /// <param name="corrected">Whether there is a correction.</param>
    public ExpertsCase(ExpertSettings settings, string format, bool biases = false, bool corrected = false)
    {
        Settings = settings;
        var words = format.Split('-');
        var (bits, group) = (int.Parse(words[0], null), int.Parse(words[1], null));
        var levels = words[2] is "scale" or "minima" ? null : words[2];
        LinearCase Create(int outputs, int inputs, int seed) =>
            LinearCase.Create(outputs, inputs, group, bits, words[2] == "minima", levels, seed);
        var (hidden, width) = (settings.Hidden, settings.Intermediate);
        GateUp = [.. Enumerable.Range(0, settings.Experts).Select(expert => Create(2 * width, hidden, 100 + expert))];
        Down = [.. Enumerable.Range(0, settings.Experts).Select(expert => Create(hidden, width, 900 + expert))];
        GateUpBias = biases ? Random(settings.Experts * 2 * width, 1, 3) : null;
        DownBias = biases ? Random(settings.Experts * hidden, 2, 1) : null;
        Correction = corrected ? Random(settings.Experts, 3, 0.5f) : null;
    }

    public ExpertSettings Settings { get; }

    public LinearCase[] GateUp { get; }

    public LinearCase[] Down { get; }

    public float[]? GateUpBias { get; }

    public float[]? DownBias { get; }

    public float[]? Correction { get; }

    public float[] Rows(int rows, int seed = 7) => Random(rows * Settings.Hidden, seed, 2);

    public float[] Logits(int rows, int seed = 8) => Random(rows * Settings.Experts, seed, 6);

    /// <summary>Bytes of one expert's codes, scales and minima.</summary>
    public long ExpertBytes =>
        GateUp[0].Codes.Length + Down[0].Codes.Length + (2L * (GateUp[0].Halves.Length + Down[0].Halves.Length));

    /// <summary>
    /// The answer [rows, hidden] in double precision; where <paramref name="kernel"/> is given, each expert's linears are its on the row
    /// alone, so that rounded activations and all are <c>QuantizedLinear</c>'s.
    /// </summary>
    public double[] Expected(float[] rows, float[] logits, QuantizedLinearKernel? kernel)
    {
        var (hidden, experts) = (Settings.Hidden, Settings.Experts);
        var expected = new double[rows.Length];
        for (var row = 0; row < rows.Length / hidden; row++)
        {
            var x = rows[(row * hidden)..((row + 1) * hidden)];
            var weights = ExpertsReference.Route(Settings, logits[(row * experts)..((row + 1) * experts)], Correction);
            for (var expert = 0; expert < experts; expert++)
            {
                if (weights[expert] == 0)
                    continue;
                var y = Expert(expert, x, kernel);
                for (var i = 0; i < hidden; i++)
                    expected[(row * hidden) + i] += weights[expert] * y[i];
            }
        }

        return expected;
    }

    /// <summary>The operator's arithmetic on this thread.</summary>
    public float[] Run(QuantizedLinearKernel kernel, float[] rows, float[] logits)
    {
        byte[] gateUpCodes = [.. GateUp.SelectMany(matrix => matrix.Codes)], downCodes = [.. Down.SelectMany(matrix => matrix.Codes)];
        Half[] gateUpHalves = [.. GateUp.SelectMany(matrix => matrix.Halves)], downHalves = [.. Down.SelectMany(matrix => matrix.Halves)];
        var output = new float[rows.Length];
        MemoryMarshal.AsBytes(output.AsSpan()).Fill(0xFF);
        fixed (byte* firstCodes = gateUpCodes, secondCodes = downCodes)
        fixed (Half* firstHalves = gateUpHalves, secondHalves = downHalves)
        fixed (float* x = rows, router = logits, y = output, correction = Correction, gateUpBias = GateUpBias, downBias = DownBias)
        {
            var experts = new QuantizedExperts(
                Settings, Matrix(GateUp[0], firstCodes, firstHalves), Matrix(Down[0], secondCodes, secondHalves), (IntPtr)correction,
                (IntPtr)gateUpBias, (IntPtr)downBias);
            experts.Run(context: null, kernel, x, router, y, rows.Length / Settings.Hidden);
            GC.KeepAlive(experts);
        }

        return output;
    }

    /// <summary>A session of the quantised operator on two threads; attributes may be changed, added, or with null left out.</summary>
    public InferenceSession OpenQuantized(params (string Name, object? Value)[] changed)
    {
        var (hidden, width, experts) = (Settings.Hidden, Settings.Intermediate, Settings.Experts);
        var graph = new OnnxGraphWriter();
        AddMatrices(graph, "gate_up", GateUp);
        AddMatrices(graph, "down", Down);
        string[] inputs =
        [
            "x", "router", AddFloats(graph, "correction", Correction, experts), "gate_up.codes", "gate_up.scales",
            AddFloats(graph, "gate_up.bias", GateUpBias, experts, 2 * width), "down.codes", "down.scales",
            AddFloats(graph, "down.bias", DownBias, experts, hidden),
        ];
        return Open(graph, QuantizedMixtureOfExpertsOp.OpName, inputs,
            [.. Attributes(), .. Format("gate_up", GateUp[0]), .. Format("down", Down[0])], changed);
    }

    /// <summary>The same of the operator over floats, of the same weights.</summary>
    public InferenceSession OpenFloat(params (string Name, object? Value)[] changed)
    {
        var (hidden, width, experts) = (Settings.Hidden, Settings.Intermediate, Settings.Experts);
        var graph = new OnnxGraphWriter();
        string[] inputs =
        [
            "x", "router", AddFloats(graph, "correction", Correction, experts),
            AddFloats(graph, "gate_up", Floats(GateUp), experts, 2 * width, hidden),
            AddFloats(graph, "gate_up.bias", GateUpBias, experts, 2 * width),
            AddFloats(graph, "down", Floats(Down), experts, hidden, width), AddFloats(graph, "down.bias", DownBias, experts, hidden),
        ];
        return Open(graph, MixtureOfExpertsOp.OpName, inputs, [.. Attributes()], changed);
    }

    public float[] Run(InferenceSession session, float[] rows, float[] logits)
    {
        var count = rows.Length / Settings.Hidden;
        using var x = OrtValue.CreateTensorValueFromMemory(rows, [count, Settings.Hidden]);
        using var router = OrtValue.CreateTensorValueFromMemory(logits, [logits.Length / Settings.Experts, Settings.Experts]);
        using var run = new RunOptions();
        using var results = session.Run(run, ["x", "router"], [x, router], ["y"]);
        return results[0].GetTensorDataAsSpan<float>().ToArray();
    }

    private double[] Expert(int expert, float[] x, QuantizedLinearKernel? kernel)
    {
        var width = Settings.Intermediate;
        var both = Multiply(GateUp[expert], [.. x.Select(value => (double)value)], x, kernel);
        var through = new double[width];
        for (var i = 0; i < width; i++)
        {
            var gate = both[i] + (GateUpBias is null ? 0 : GateUpBias[(expert * 2 * width) + i]);
            var up = both[width + i] + (GateUpBias is null ? 0 : GateUpBias[(expert * 2 * width) + width + i]);
            through[i] = ExpertsReference.Activate(Settings, gate, up);
        }

        var y = Multiply(Down[expert], through, [.. through.Select(value => (float)value)], kernel);
        return [.. y.Select((value, i) => value + (DownBias is null ? 0 : DownBias[(expert * Settings.Hidden) + i]))];
    }

    private static double[] Multiply(LinearCase matrix, double[] x, float[] row, QuantizedLinearKernel? kernel)
    {
        if (kernel is not null)
            return [.. matrix.Run(kernel, row).Select(value => (double)value)];
        var y = new double[matrix.Outputs];
        for (var n = 0; n < y.Length; n++)
        {
            var weights = matrix.Weights(n);
            for (var k = 0; k < x.Length; k++)
                y[n] += (float)weights[k] * x[k];
        }

        return y;
    }

    private static QuantizedMatrix Matrix(LinearCase matrix, byte* codes, Half* halves) =>
        new(matrix.Outputs, matrix.Inputs, matrix.Group, matrix.Bits / 4, matrix.Minima, (IntPtr)codes, (IntPtr)halves,
            matrix.Levels is null ? null : new LevelPlanes(matrix.Levels));

    private static float[] Floats(LinearCase[] matrices) =>
        [.. matrices.SelectMany(matrix => Enumerable.Range(0, matrix.Outputs).SelectMany(matrix.Weights)).Select(weight => (float)weight)];

    private static float[] Random(int count, int seed, float spread)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() - 0.5f) * spread)];
    }

    private (string Name, object? Value)[] Attributes() =>
    [
        ("experts", (long)Settings.Experts), ("top_k", (long)Settings.TopK), ("hidden", (long)Settings.Hidden),
        ("intermediate", (long)Settings.Intermediate), ("scoring", (long)Settings.Scoring), ("normalize", Settings.Normalize ? 1L : 0L),
        ("normalize_epsilon", Settings.NormalizeEpsilon), ("scale", Settings.Scale), ("groups", (long)Settings.Groups),
        ("groups_chosen", (long)Settings.GroupsChosen), ("activation", Settings.Clamped ? 1L : 0L), ("alpha", Settings.Alpha),
        ("limit", Settings.Limit),
    ];

    private static (string Name, object? Value)[] Format(string name, LinearCase matrix) =>
    [
        ($"{name}_layout", (long)matrix.Layout), ($"{name}_bits", (long)matrix.Bits), ($"{name}_group", (long)matrix.Group),
        ($"{name}_levels", matrix.Levels?.Levels.ToArray().Select(level => (long)level).ToArray()),
    ];

    private static void AddMatrices(OnnxGraphWriter graph, string name, LinearCase[] matrices)
    {
        var first = matrices[0];
        var blocks = QuantizedLinearLayout.Blocks(first.Outputs);
        graph.Constant($"{name}.codes", OnnxGraphWriter.UInt8, matrices.SelectMany(matrix => matrix.Codes).ToArray(),
                matrices.Length * (first.Bits / 4) * blocks, QuantizedLinearLayout.BlockBytes(first.Inputs))
            .Constant($"{name}.scales", OnnxGraphWriter.Float16,
                MemoryMarshal.AsBytes<Half>(matrices.SelectMany(matrix => matrix.Halves).ToArray()), matrices.Length * blocks,
                first.Halves.Length / blocks);
    }

    private static string AddFloats(OnnxGraphWriter graph, string name, float[]? values, params long[] shape)
    {
        if (values is null)
            return "";
        graph.Constant(name, OnnxGraphWriter.Float, MemoryMarshal.AsBytes<float>(values), shape);
        return name;
    }

    private static InferenceSession Open(
        OnnxGraphWriter graph, string name, string[] inputs, (string Name, object? Value)[] attributes,
        (string Name, object? Value)[] changed)
    {
        var names = changed.Select(attribute => attribute.Name).ToList();
        (string Name, object? Value)[] all = [.. attributes.Where(attribute => !names.Contains(attribute.Name)), .. changed];
        var model = graph
            .Input("x", OnnxGraphWriter.Float, -1, -1)
            .Input("router", OnnxGraphWriter.Float, -1, -1)
            .Node(name, CustomOpDomain.Name, inputs, ["y"],
                [.. all.Where(attribute => attribute.Value is not null).Select(attribute => (attribute.Name, attribute.Value!))])
            .Output("y", OnnxGraphWriter.Float, -1, -1)
            .ToModel();
        using var options = OnnxRuntimeSetup.CreateSessionOptions();
        options.IntraOpNumThreads = 2;
        return new InferenceSession(model, options);
    }
}
