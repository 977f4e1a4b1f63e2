using System.Numerics.Tensors;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Safetensors;
using Parley.PackageFormat;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Quantization;

/// <summary>A linear as our own operators read it; <see cref="QuantizedLinearLayout"/> describes the bytes.</summary>
/// <param name="linear">The weights.</param>
/// <param name="grid">Bits and groups of the package.</param>
/// <param name="isKept">Whether the codes are those of the file.</param>
internal sealed class PackedMatrix(LinearWeights linear, StoredGrid grid, bool isKept)
{
    /// <summary>Outputs as they are.</summary>
    public const int NoGate = 0;

    /// <summary>SiLU(first half) · second half.</summary>
    public const int SiluGate = 1;

    /// <summary>GELU(first half) · second half, by its tanh approximation.</summary>
    public const int GeluGate = 2;

    public LinearWeights Linear => linear;

    public StoredGrid Grid => grid;

    public bool IsKept => isKept;

    public int Planes => grid.Bits / 4;

    /// <summary>Halves of a block and a group: a scale and, where there are minima, a minimum per output.</summary>
    public int GroupHalves => QuantizedLinearLayout.BlockOutputs * (grid.HasMinima ? 2 : 1);

    public int Blocks { get; } = QuantizedLinearLayout.Blocks(linear.Outputs);

    /// <summary>Bytes of a block's codes in one plane.</summary>
    public long BlockBytes { get; } = QuantizedLinearLayout.BlockBytes(linear.Inputs);

    /// <summary>Scales of a block, and minima.</summary>
    public int BlockHalves { get; } = QuantizedLinearLayout.BlockScales(linear.Inputs, grid.Group, grid.HasMinima);

    /// <summary>Reserves codes [planes · blocks, bytes per block] and scales [blocks, halves per block].</summary>
    public (TensorTarget Codes, TensorTarget Halves) Reserve(OnnxGraphBuilder graph)
    {
        var codes = graph.Reserve($"{linear.Name}.weight", DataType.Uint8, Planes * Blocks * BlockBytes, Planes * Blocks, BlockBytes);
        var halves = graph.Reserve(
            $"{linear.Name}.scale", DataType.Float16, (long)Blocks * BlockHalves * sizeof(ushort), Blocks, BlockHalves);
        return (codes, halves);
    }

    /// <summary>Adds the product of a value [rows, inputs] with reserved weights; through a gate where there is one.</summary>
    /// <returns><paramref name="output"/>, the value [rows, outputs].</returns>
    public string Multiply(
        OnnxGraphBuilder graph, string input, TensorTarget codes, TensorTarget halves, string output, int gate = NoGate) =>
        graph.Node(output, "QuantizedLinear", OnnxGraphBuilder.ParleyDomain, [input, codes.Name, halves.Name],
            gate == NoGate ? Attributes : [.. Attributes, ("gated", gate)]);

    /// <summary>Adds the product with the first of the outputs.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="input">Value [rows, inputs].</param>
    /// <param name="codes">Reserved codes.</param>
    /// <param name="halves">Reserved scales.</param>
    /// <param name="output">Name of the value [rows, <paramref name="first"/>].</param>
    /// <param name="first">How many of the outputs are computed.</param>
    public void MultiplyFirst(
        OnnxGraphBuilder graph, string input, TensorTarget codes, TensorTarget halves, string output, int first) =>
        graph.Node(output, "QuantizedLinear", OnnxGraphBuilder.ParleyDomain, [input, codes.Name, halves.Name],
            first == linear.Outputs ? Attributes : [.. Attributes, ("first", first)]);

    /// <summary>Adds the product of which only the best outputs count.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="input">Value [rows, inputs].</param>
    /// <param name="counts">Value [rows]: how many of the best; 0 is all.</param>
    /// <param name="codes">Reserved codes.</param>
    /// <param name="halves">Reserved scales.</param>
    /// <param name="output">Name of the value [rows, outputs].</param>
    /// <param name="first">How many of the outputs are computed at all, the first, and roughly; null for all.</param>
    public void MultiplyBest(
        OnnxGraphBuilder graph, string input, string counts, TensorTarget codes, TensorTarget halves, string output, int? first = null) =>
        graph.Node(output, "QuantizedHead", OnnxGraphBuilder.ParleyDomain, [input, codes.Name, halves.Name, counts],
            first is null ? Attributes : [.. Attributes, ("first", first.Value), ("rough", 1)]);

    /// <summary>Whether the operator can apply a gate: both halves of the outputs are whole blocks, and nothing is added to them.</summary>
    public static bool CanGate(LinearWeights linear) =>
        !linear.HasBias && linear.Outputs % (2 * QuantizedLinearLayout.BlockOutputs) == 0;

    /// <summary>Adds a norm of the residual stream and the product of what it gives.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="norm">The norm.</param>
    /// <param name="weight">Its weight.</param>
    /// <param name="stream">The residual stream [rows, inputs].</param>
    /// <param name="codes">Reserved codes.</param>
    /// <param name="halves">Reserved scales.</param>
    /// <param name="gate">What becomes of the product's halves.</param>
    /// <returns>Value [rows, outputs], or half as wide where gated; and the stream with its update.</returns>
    public (string Product, string Residual) MultiplyNormalized(
        OnnxGraphBuilder graph, NormEmitter norm, string weight, ResidualStream stream, TensorTarget codes, TensorTarget halves, int gate)
    {
        string[] inputs = [stream.Value, codes.Name, halves.Name, weight];
        (string Name, object Value)[] attributes = [.. Attributes, ("epsilon", norm.Epsilon)];
        if (gate != NoGate)
            attributes = [.. attributes, ("gated", gate)];
        if (stream.Update is null)
        {
            graph.Node(linear.Name, "NormalizedLinear", OnnxGraphBuilder.ParleyDomain, inputs, attributes);
            return (linear.Name, stream.Value);
        }

        graph.Node(
            linear.Name, "NormalizedLinear", OnnxGraphBuilder.ParleyDomain, [.. inputs, stream.Update], [linear.Name, norm.SumName],
            attributes);
        return (linear.Name, norm.SumName);
    }

    /// <summary>Adds what brings the inputs into the order of the grid, where it has one of its own.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="input">Value [rows, inputs].</param>
    public string OrderInputs(OnnxGraphBuilder graph, string input)
    {
        if (grid.Order is null)
            return input;
        var order = $"{linear.Name}.order";
        long[] inputs = [.. grid.Order.Inputs.ToArray().Select(column => (long)column)];
        graph.Constant<long>(order, DataType.Int64, inputs, inputs.Length);
        return graph.Node($"{linear.Name}.ordered", "Gather", "", [input, order], ("axis", 1));
    }

    /// <summary>What every node over these weights says of them.</summary>
    public (string Name, object Value)[] Attributes
    {
        get
        {
            var layout = QuantizedLinearLayout.VersionOf(Planes, grid.Group, grid.HasMinima, grid.Levels is not null);
            (string Name, object Value)[] attributes =
                [("layout", layout), ("K", linear.Inputs), ("N", linear.Outputs), ("bits", grid.Bits), ("group", grid.Group)];
            return grid.Levels is null
                ? attributes : [.. attributes, ("levels", grid.Levels.Levels.ToArray().Select(level => (long)level).ToArray())];
        }
    }

    /// <summary>What a row becomes.</summary>
    /// <param name="coder">Codes of this matrix.</param>
    /// <param name="row">Row among all parts.</param>
    /// <param name="weights">Takes the weights that its codes stand for.</param>
    public void Widen(RowCoder coder, int row, Span<float> weights)
    {
        var groups = weights.Length / grid.Group;
        Span<byte> codes = new byte[weights.Length];
        Span<Half> halves = new Half[2 * groups];
        Span<float> numbers = new float[2 * groups];
        coder(row, codes, halves[..groups], grid.HasMinima ? halves[groups..] : []);
        TensorPrimitives.ConvertToSingle(halves, numbers);
        if (grid.Order is null)
        {
            grid.Widen(codes, numbers[..groups], numbers[groups..], weights);
            return;
        }

        Span<float> ordered = new float[weights.Length];
        grid.Widen(codes, numbers[..groups], numbers[groups..], ordered);
        grid.Order.Scatter<float>(ordered, weights);
    }

    /// <summary>A scale or minimum as it is stored.</summary>
    /// <param name="value">The number.</param>
    /// <param name="tensor">The tensor that it belongs to. Default: null, which is the first part's.</param>
    /// <exception cref="InvalidDataException">It is too large for a half.</exception>
    public Half Half(float value, string? tensor = null)
    {
        var half = (Half)value;
        return System.Half.IsFinite(half)
            ? half
            : throw new InvalidDataException(
                $"{tensor ?? linear.Parts[0].Weight}: a scale or minimum is {value:g3}, above the 65,504 that a package can hold; "
                + "the weights are damaged, or import the model as fp32.");
    }
}
