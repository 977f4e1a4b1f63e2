using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// Weights as MatMulNBits reads them: codes of 8 or 4 bits in blocks of inputs, a scale per block, an implicit zero point in the middle.
/// Activations become int8 per block inside the kernel.
/// </summary>
/// <param name="Bits">8 or 4.</param>
/// <param name="Block">Weights per scale; divides the inputs.</param>
/// <param name="AccuracyLevel">How exact the kernel's own activations are.</param>
internal sealed record BlockLayout(int Bits, int Block, int AccuracyLevel = BlockLayout.Int8Activations)
{
    /// <summary>int8 activations in the kernel. Any other level is 16 to 100 times slower on the CPU.</summary>
    public const int Int8Activations = 4;

    /// <summary>The activations' own type: what CUDA computes with.</summary>
    public const int ActivationsAsTheyAre = 0;

    private static readonly int[] Blocks = [128, 64, 32];

    /// <summary>
    /// The largest block that divides a row and is not above <paramref name="blockMax"/>; null where none of 128, 64, 32 does.
    /// </summary>
    public static int? BlockFor(int inputs, int blockMax = 128)
    {
        foreach (var block in Blocks)
        {
            if (block <= blockMax && inputs % block == 0)
                return block;
        }

        return null;
    }

    /// <summary>The block for a linear.</summary>
    /// <exception cref="InvalidDataException">No block divides its inputs.</exception>
    public static int RequireBlock(LinearWeights linear, int blockMax) =>
        BlockFor(linear.Inputs, blockMax) ?? throw new InvalidDataException(
        $"{linear.Parts[0].Weight} has {linear.Inputs} inputs, which blocks of 128, 64 or 32 do not divide; import the model as fp32.");

    /// <summary>Bytes of the codes of one output.</summary>
    public int RowBytes(LinearWeights linear) => linear.Inputs * Bits / 8;

    /// <summary>Reserves codes [outputs, blocks, bytes per block] and scales [outputs, blocks].</summary>
    public (TensorTarget Codes, TensorTarget Scales) Reserve(OnnxGraphBuilder graph, LinearWeights linear)
    {
        var blocks = linear.Inputs / Block;
        var rowBytes = RowBytes(linear);
        var codes = graph.Reserve(
            $"{linear.Name}.weight", DataType.Uint8, (long)linear.Outputs * rowBytes, linear.Outputs, blocks, rowBytes / blocks);
        var scales = graph.Activations.Reserve(graph, $"{linear.Name}.scale", linear.Outputs, blocks);
        return (codes, scales);
    }

    /// <summary>Adds the product of a value [rows, inputs] with reserved weights.</summary>
    /// <returns><paramref name="output"/>, the value [rows, outputs].</returns>
    public string Multiply(OnnxGraphBuilder graph, LinearWeights linear, string input, TensorTarget codes,
        TensorTarget scales, string output, TensorTarget? zeroPoints = null) =>
        graph.Node(
            output, "MatMulNBits", OnnxGraphBuilder.MicrosoftDomain,
            zeroPoints is null ? [input, codes.Name, scales.Name] : [input, codes.Name, scales.Name, zeroPoints.Name],
            ("K", linear.Inputs), ("N", linear.Outputs), ("bits", Bits), ("block_size", Block), ("accuracy_level", AccuracyLevel));
}
