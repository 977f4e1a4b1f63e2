using Parley.ModelImporter.Exports;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Inspection;

/// <summary>What an export to ONNX holds: its decoder by its inputs and outputs, and how it would run.</summary>
internal static class ExportTree
{
    private const string Layer = "GroupQueryAttention and what lies between";

    /// <summary>Reads an export; its weights are not read.</summary>
    /// <exception cref="InvalidDataException">It is malformed, or of no known convention; the message names it.</exception>
    public static ModelTree Read(string path)
    {
        var source = ExportSource.Open(path);
        var model = ExportedModel.Open(source.GraphPath);
        var (shape, graph, architecture, parameters) = ExportedShape.Read(source, model);
        var isShared = graph.Caches == ExportedGraph.Shared;
        var layer = new ModelTreeNode(
            shape.Layers == 1 ? "0" : $"0-{shape.Layers - 1}", isShared ? Layer : "Attention and what lies between",
            $"heads={shape.QueryHeads}, key_value_heads={shape.KeyValueHeads}, head_dim={shape.HeadSize}", shape.Layers, []);
        var root = new ModelTreeNode("", architecture, "", 1,
        [
            new ModelTreeNode("layers", "ModuleList", "", 1, [layer]),
            new ModelTreeNode("lm_head", "Linear", $"in_features={shape.HiddenSize}, out_features={shape.VocabularySize}", 1, []),
        ]);
        return new ModelTree(
            root, parameters, (long)shape.CacheElementsPerToken * sizeof(float), [new PrecisionSize(ModelImport.Exported, Bytes(model))],
            [.. ExportImport.Present(path).Select(file => Describe(file.Name, file.Path))])
        {
            ContextTokensMax = shape.ContextTokensMax,
            Meaning = [.. Meaning(source, model, graph)],
        };
    }

    /// <summary>Bytes of an export's weights, wherever they lie.</summary>
    public static long Bytes(ExportedModel model) => SourceFile.Length(model.Path)
        + model.Data.Sum(name => SourceFile.Length(Path.Combine(Path.GetDirectoryName(model.Path)!, name)));

    private static IEnumerable<string> Meaning(ExportSource source, ExportedModel model, ExportedGraph graph)
    {
        var operators = model.Graph.Node.GroupBy(node => node.OpType).OrderByDescending(group => group.Count()).Take(6)
            .Select(group => $"{group.Count()} {group.Key}");
        yield return $"{Path.GetFileName(source.GraphPath)} in the convention of {graph.Convention}, ai.onnx {model.Opset}: "
            + $"{string.Join(", ", operators)}";
        yield return graph.Caches == ExportedGraph.Shared
            ? $"keys and values of {graph.CacheType} lie in buffers that the graph reads and writes: sequences run together, each in its "
                + "slot"
            : $"keys and values of {graph.CacheType} grow with each step: sequences run one after the other";
        if (source.Others.Count > 0)
            yield return $"other graphs beside it, each by its path: {string.Join(", ", source.Others)}";
    }

    private static ModelTreeFile Describe(string name, string path) => new(
        name, SourceFile.Length(path),
        CheckpointFiles.Copied.FirstOrDefault(file => file.Name == name).Decides ?? name switch
        {
            ExportSource.GenaiName => "what the graph's inputs and outputs are, the model's sizes, ends and sampling",
            _ when name.EndsWith(".onnx", StringComparison.Ordinal) => "the computation: every operator from token ids to logits",
            _ when name.EndsWith(TokenizerFiles.TiktokenEnding, StringComparison.Ordinal) => "the vocabulary as bytes and ranks",
            _ => "the weights, as the operators read them",
        });
}
