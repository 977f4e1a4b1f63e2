using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Graph.Onnx;

namespace Parley.ModelImporter.Tests.Graph;

/// <summary>
/// Runs a package on plain ONNX Runtime: each attention node is replaced by ONNX Runtime's own GroupQueryAttention over one fresh sequence.
/// It checks everything but the paged cache with code that is not ours.
/// </summary>
internal sealed class GroupQueryModel : IDisposable
{
    private static readonly HashSet<string> PagedInputs = ["cumulative_sequence_length", "past_seqlens", "block_table"];
    private readonly InferenceSession _session;

    public GroupQueryModel(string package)
    {
        var model = ModelProto.Parser.ParseFrom(File.ReadAllBytes(Path.Combine(package, "model.onnx")));
        Rewrite(model.Graph);
        using var options = OnnxRuntimeSetup.CreateSessionOptions();
        options.LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR;
        options.IntraOpNumThreads = 2;
        options.AddSessionConfigEntry("session.model_external_initializers_file_folder_path", package);
        _session = new InferenceSession(model.ToByteArray(), options);
    }

    /// <summary>Logits of the rows asked for, one after the other.</summary>
    public float[] Run(int[] ids, params int[] rows)
    {
        // Held by name until the run has ended: ONNX Runtime gets bare pointers, and a collection frees what nobody holds.
        using var tokens = OrtValue.CreateTensorValueFromMemory(ids.Select(id => (long)id).ToArray(), [ids.Length]);
        using var logitRows = OrtValue.CreateTensorValueFromMemory(rows.Select(row => (long)row).ToArray(), [rows.Length]);
        using var lastPosition = OrtValue.CreateTensorValueFromMemory(new[] { ids.Length - 1 }, [1]);
        using var length = OrtValue.CreateTensorValueFromMemory(new[] { ids.Length }, [1]);
        using var run = new RunOptions();
        using var results = _session.Run(
            run,
            new Dictionary<string, OrtValue>
            {
                ["input_ids"] = tokens,
                ["logit_rows"] = logitRows,
                ["last_position"] = lastPosition,
                ["length"] = length,
            },
            ["logits"]);
        return results[0].GetTensorDataAsSpan<float>().ToArray();
    }

    public void Dispose() => _session.Dispose();

    private static void Rewrite(GraphProto graph)
    {
        var caches = graph.Input.Where(input => input.Name.Contains("_cache.", StringComparison.Ordinal)).ToList();
        var dimensions = caches[0].Type.TensorType.Shape.Dim;
        var empty = new TensorProto { Name = "empty", DataType = TensorProto.Types.DataType.Float, RawData = ByteString.Empty };
        empty.Dims.AddRange([1, dimensions[2].DimValue, 0, dimensions[3].DimValue]);
        var first = new TensorProto
        {
            Name = "first",
            DataType = TensorProto.Types.DataType.Int64,
            RawData = ByteString.CopyFrom(new byte[8]),
        };
        first.Dims.Add(1);
        graph.Initializer.AddRange([empty, first]);
        foreach (var input in graph.Input.Where(input => PagedInputs.Contains(input.Name)).Concat(caches).ToList())
            graph.Input.Remove(input);
        foreach (var name in new[] { "last_position", "length" })
        {
            var shape = new TensorShapeProto();
            shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimValue = 1 });
            var type = new TypeProto.Types.Tensor { ElemType = TensorProto.Types.DataType.Int32, Shape = shape };
            graph.Input.Add(new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = type } });
        }

        var nodes = graph.Node.ToList();
        graph.Node.Clear();
        graph.Node.AddRange(nodes.SelectMany(node => node.OpType == "PagedAttention" ? Replace(node) : [node]));
    }

    private static NodeProto[] Replace(NodeProto paged)
    {
        var name = paged.Name;
        var attention = new NodeProto { Name = name, OpType = "GroupQueryAttention", Domain = OnnxGraphBuilder.MicrosoftDomain };
        attention.Input.AddRange([$"{name}.batch", "", "", "empty", "empty", "last_position", "length", paged.Input[8], paged.Input[9]]);
        attention.Output.AddRange([$"{name}.heads", $"{name}.keys", $"{name}.values"]);
        attention.Attribute.AddRange(paged.Attribute);
        return
        [
            new NodeProto { Name = $"{name}.batch", OpType = "Unsqueeze",
                Input = { paged.Input[0], "first" }, Output = { $"{name}.batch" } },
            attention,
            new NodeProto { Name = $"{name}.flat", OpType = "Squeeze", Input = { $"{name}.heads", "first" }, Output = { paged.Output[0] } },
        ];
    }
}
