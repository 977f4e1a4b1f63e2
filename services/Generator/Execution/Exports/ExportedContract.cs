using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Parley.PackageFormat;

namespace Parley.Generator.Execution.Exports;

/// <summary>The inputs and outputs that the graph of an export must have: those that its manifest names, and no other.</summary>
internal static class ExportedContract
{
    /// <summary>Checks what a manifest says of an export before its graph is loaded.</summary>
    /// <exception cref="InvalidDataException">A value is none of those that are known, or a file is not listed.</exception>
    public static void Check(ModelManifest manifest, ExportedGraph graph, string path)
    {
        OneOf("caches", graph.Caches, ExportedGraph.Shared, ExportedGraph.Growing);
        OneOf("cacheType", graph.CacheType, "fp32", "fp16");
        OneOf("logitRows", graph.LogitRows, ExportedGraph.Rows, ExportedGraph.Last, ExportedGraph.All);
        foreach (var (field, pattern) in new[]
        {
            ("pastKeys", graph.PastKeys), ("pastValues", graph.PastValues), ("presentKeys", graph.PresentKeys),
            ("presentValues", graph.PresentValues),
        })
        {
            if (!pattern.Contains("%d", StringComparison.Ordinal))
                throw new InvalidDataException($"{path}: export.{field} is {pattern}, which has no %d for the layer.");
        }

        if (graph.Data.FirstOrDefault(name => !manifest.Files.ContainsKey(name)) is { } unlisted)
            throw new InvalidDataException($"{path}: export.data names {unlisted}, which files does not list; import the model again.");
        var shape = manifest.Shape;
        if (shape.OtherHeads is not null || shape.States is not null || shape.Latent is not null || shape.KeylessLayers is not null
            || shape.Drafter is not null || shape.Positions is not null)
        {
            throw new InvalidDataException(
                $"{path}: shape has more than keys and values of the same heads in each layer, which no export has.");
        }

        void OneOf(string field, string value, params string[] known)
        {
            if (!known.Contains(value))
            {
                throw new InvalidDataException(
                    $"{path}: export.{field} is {value}, not {string.Join(" or ", known)}; import the model again.");
            }
        }
    }

    /// <summary>Compares a session with its manifest.</summary>
    /// <exception cref="InvalidDataException">Something is missing, surplus or of another kind; the message names it.</exception>
    public static void Verify(InferenceSession session, ModelShape shape, ExportedGraph graph, string path)
    {
        var cache = SlotCaches.TypeOf(graph).Type;
        var inputs = new Dictionary<string, (TensorElementType Type, int[] Shape)>(StringComparer.Ordinal)
        {
            [graph.InputIds] = (TensorElementType.Int64, [-1, -1]),
        };
        if (graph.AttentionMask is { } mask)
            inputs[mask] = (TensorElementType.Int64, [-1, -1]);
        if (graph.PositionIds is { } positions)
            inputs[positions] = (TensorElementType.Int64, [-1, -1]);
        if (graph.LogitRows == ExportedGraph.Rows)
            inputs[GraphContract.LogitRows] = (TensorElementType.Int64, [-1]);
        var outputs = new List<string> { graph.Logits };
        for (var layer = 0; layer < shape.Layers; layer++)
        {
            inputs[ExportedGraph.Of(graph.PastKeys, layer)] = (cache, [-1, shape.KeyValueHeads, -1, shape.HeadSize]);
            inputs[ExportedGraph.Of(graph.PastValues, layer)] = (cache, [-1, shape.KeyValueHeads, -1, shape.HeadSize]);
            outputs.Add(ExportedGraph.Of(graph.PresentKeys, layer));
            outputs.Add(ExportedGraph.Of(graph.PresentValues, layer));
        }

        foreach (var (name, (type, dimensions)) in inputs)
            Compare(name, Find(session.InputMetadata, name, "input", path), type, dimensions, path);
        if (graph.LogitRows == ExportedGraph.Last && !session.InputMetadata.ContainsKey(ExportedStep.LogitsToKeep))
            throw new InvalidDataException($"{path}: the graph has no input {ExportedStep.LogitsToKeep}.");
        var known = inputs.Keys.Append(graph.LogitRows == ExportedGraph.Last ? ExportedStep.LogitsToKeep : graph.InputIds);
        if (session.InputMetadata.Keys.Except(known).FirstOrDefault() is { } surplus)
            throw new InvalidDataException($"{path}: the graph's input {surplus} is unknown.");
        foreach (var name in outputs.Skip(1))
            Compare(name, Find(session.OutputMetadata, name, "output", path), cache, [-1, shape.KeyValueHeads, -1, shape.HeadSize], path);
        var logits = Find(session.OutputMetadata, graph.Logits, "output", path);
        int[] rows = graph.LogitRows == ExportedGraph.Rows ? [-1, shape.VocabularySize] : [-1, -1, shape.VocabularySize];
        Compare(graph.Logits, logits, logits.ElementDataType == TensorElementType.Float16 ? TensorElementType.Float16
            : TensorElementType.Float, rows, path);
    }

    private static NodeMetadata Find(IReadOnlyDictionary<string, NodeMetadata> metadata, string name, string kind, string path) =>
        metadata.TryGetValue(name, out var found) ? found
            : throw new InvalidDataException($"{path}: the graph has no {kind} {name}, which {ModelManifest.FileName} calls for.");

    private static void Compare(string name, NodeMetadata actual, TensorElementType type, int[] shape, string path)
    {
        if (!actual.IsTensor || actual.ElementDataType != type)
            throw new InvalidDataException($"{path}: {name} is {actual.ElementDataType}, not {type}.");
        if (actual.Dimensions.Length == shape.Length
            && actual.Dimensions.Zip(shape).All(pair => pair.First < 0 || pair.Second < 0 || pair.First == pair.Second))
        {
            return;
        }

        throw new InvalidDataException(
            $"{path}: {name} is [{string.Join(", ", actual.Dimensions)}], not [{string.Join(", ", shape)}].");
    }
}
