using System.Buffers;
using System.Runtime.InteropServices;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Graph.Onnx;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// Embedding and head in fp32 as the checkpoint lays them out [vocabulary, hidden]: Gather reads rows, Gemm multiplies by the
/// transpose.
/// </summary>
/// <param name="bits">Rounds the weights to so many bits before they are stored in fp32; null leaves them as they are.</param>
internal sealed class Float32Vocabulary(int? bits = null) : VocabularyFormat
{
    private const int ChunkElements = 1 << 20;
    private TensorTarget? _embedding;

    public override bool CodesRows => false;

    public override string EmitEmbedding(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights embedding, string ids)
    {
        _embedding = Plan(graph, tensors, embedding);
        return graph.Node("embedding", "Gather", "", [_embedding.Name, ids], ("axis", 0));
    }

    public override void EmitHead(
        OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights head, bool tied, string input, string output)
    {
        var weight = tied ? _embedding! : Plan(graph, tensors, head);
        graph.Node("head", "Gemm", "", [input, weight.Name], [output], ("transB", 1));
    }

    private TensorTarget Plan(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights matrix)
    {
        var rowBytes = (long)matrix.Inputs * sizeof(float);
        var weight = graph.Reserve(
            $"{matrix.Name}.weight", TensorProto.Types.DataType.Float, matrix.Outputs * rowBytes, matrix.Outputs, matrix.Inputs);
        var rows = Math.Max(1, ChunkElements / matrix.Inputs);
        graph.Fill(
            (data, options) => Parallel.For(0, (matrix.Outputs + rows - 1) / rows, options, chunk =>
            {
                var first = chunk * rows;
                var count = Math.Min(rows, matrix.Outputs - first);
                var buffer = ArrayPool<float>.Shared.Rent(count * matrix.Inputs);
                for (var r = 0; r < count; r++)
                {
                    var row = buffer.AsSpan(r * matrix.Inputs, matrix.Inputs);
                    matrix.Read(tensors, first + r, 0, row);
                    if (bits is { } width)
                        VocabularyRounding.Round(row, width);
                }

                weight.Write(data, first * rowBytes, MemoryMarshal.AsBytes(buffer.AsSpan(0, count * matrix.Inputs)));
                ArrayPool<float>.Shared.Return(buffer);
            }),
            weight);
        return weight;
    }
}
