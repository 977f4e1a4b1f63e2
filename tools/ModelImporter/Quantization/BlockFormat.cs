using System.Buffers;
using System.Runtime.InteropServices;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Package;
using Parley.ModelImporter.Safetensors;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Quantization;

/// <summary>Weights of 8 or 4 bits with a scale per block of inputs (MatMulNBits); activations become int8 per block inside the kernel.</summary>
internal sealed class BlockFormat(int bits, int blockMax) : LinearFormat
{
    /// <summary>int8 activations in the kernel. Any other level is 16 to 100 times slower on the CPU.</summary>
    private const int AccuracyLevel = 4;

    protected override string EmitProduct(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, string input)
    {
        var planned = Plan(graph, tensors, linear);
        return Multiply(graph, linear, planned.Block, input, planned.Codes.Name, planned.Scales.Name, linear.Name);
    }

    /// <summary>Plans the codes [outputs, blocks, bytes per block] and scales [outputs, blocks] of a matrix.</summary>
    /// <exception cref="InvalidDataException">No block divides the inputs.</exception>
    public (TensorTarget Codes, TensorTarget Scales, int Block) Plan(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear)
    {
        var block = BlockQuantizer.BlockFor(linear.Inputs, blockMax) ?? throw new InvalidDataException(
            $"{tensors.Folder}: {linear.Parts[0].Weight} has {linear.Inputs} inputs, which blocks of 128, 64 or 32 do not divide; import it as fp32.");
        var blocks = linear.Inputs / block;
        var rowBytes = linear.Inputs * bits / 8;
        var codes = graph.Reserve(
            $"{linear.Name}.weight", DataType.Uint8, (long)linear.Outputs * rowBytes, linear.Outputs, blocks, rowBytes / blocks);
        var scales = graph.Reserve(
            $"{linear.Name}.scale", DataType.Float, (long)linear.Outputs * blocks * sizeof(float), linear.Outputs, blocks);
        graph.Fill((data, options) => Fill(tensors, linear, block, codes, scales, data, options), codes, scales);
        return (codes, scales, block);
    }

    /// <summary>Adds the product with weights that are planned already.</summary>
    public string Multiply(OnnxGraphBuilder graph, LinearWeights linear, int block, string input, string codes, string scales, string output) =>
        graph.Node(
            linear.Name, "MatMulNBits", OnnxGraphBuilder.MicrosoftDomain, [input, codes, scales], [output],
            ("K", linear.Inputs), ("N", linear.Outputs), ("bits", bits), ("block_size", block), ("accuracy_level", AccuracyLevel))[0];

    private void Fill(
        CheckpointTensors tensors, LinearWeights linear, int block, TensorTarget codes, TensorTarget scales, DataFile data, ParallelOptions options)
    {
        var blocks = linear.Inputs / block;
        var rowBytes = linear.Inputs * bits / 8;
        ForChunks(linear.Outputs, Math.Clamp(ChunkBytes / sizeof(float) / linear.Inputs, 1, 1024), options, (first, count) =>
        {
            Span<float> row = new float[linear.Inputs];
            var codeBuffer = ArrayPool<byte>.Shared.Rent(count * rowBytes);
            var scaleBuffer = ArrayPool<float>.Shared.Rent(count * blocks);
            for (var r = 0; r < count; r++)
            {
                linear.Read(tensors, first + r, 0, row);
                var rowCodes = codeBuffer.AsSpan(r * rowBytes, rowBytes);
                var rowScales = scaleBuffer.AsSpan(r * blocks, blocks);
                if (bits == 8)
                    BlockQuantizer.Quantize8(row, block, rowCodes, rowScales);
                else
                    BlockQuantizer.Quantize4(row, block, rowCodes, rowScales);
            }

            codes.Write(data, (long)first * rowBytes, codeBuffer.AsSpan(0, count * rowBytes));
            scales.Write(data, (long)first * blocks * sizeof(float), MemoryMarshal.AsBytes(scaleBuffer.AsSpan(0, count * blocks)));
            ArrayPool<byte>.Shared.Return(codeBuffer);
            ArrayPool<float>.Shared.Return(scaleBuffer);
        });
    }
}
