using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Parley.Generator.Execution.Kernels;
using Parley.PackageFormat;

namespace Parley.Generator.Execution;

/// <summary>The inputs and the output that a package's graph must have.</summary>
internal static class GraphContract
{
    public const string InputIds = "input_ids";
    public const string LogitRows = "logit_rows";
    public const string LogitBest = "logit_best";
    public const string CumulativeLengths = "cumulative_sequence_length";
    public const string PastLengths = "past_seqlens";
    public const string BlockTable = "block_table";
    public const string RotaryLengths = "rotary_lengths";
    public const string StateIn = "state_in";
    public const string StateOut = "state_out";
    public const string Logits = "logits";
    public const string Stream = "stream";
    public const string NextStream = "next_stream";

    /// <summary>Compares a session with what the manifest says of the model and the settings of the cache.</summary>
    /// <exception cref="InvalidDataException">Something is missing, surplus or of another shape; the message names it.</exception>
    public static void Verify(InferenceSession session, ModelShape shape, KvCachePrecision cachePrecision, string path)
    {
        var expected = StepInputs(shape, cachePrecision, layer => layer < shape.Layers);
        foreach (var state in shape.States ?? [])
            expected.Add((state.InputName, TensorElementType.Float, [-1, checked((int)state.Elements)]));
        if (shape.States is not null)
        {
            expected.Add((StateIn, TensorElementType.Int32, [-1]));
            expected.Add((StateOut, TensorElementType.Int32, [-1]));
        }

        if (shape.Positions is not null)
            expected.Add((RotaryLengths, TensorElementType.Int32, [-1]));
        CheckInputs(session, expected, path);
        CheckOutput(session, Logits, shape.VocabularySize, path);
        if (shape.Drafter is not null)
            CheckOutput(session, Stream, shape.HiddenSize, path);
    }

    /// <summary>The same of the graph that guesses further tokens.</summary>
    /// <exception cref="InvalidDataException">Something is missing, surplus or of another shape; the message names it.</exception>
    public static void VerifyDrafter(InferenceSession session, ModelShape shape, KvCachePrecision cachePrecision, string path)
    {
        var expected = StepInputs(shape, cachePrecision, layer => layer >= shape.Layers);
        expected.Add((Stream, TensorElementType.Float, [-1, shape.HiddenSize]));
        if (shape.Positions is not null)
            expected.Add((RotaryLengths, TensorElementType.Int32, [-1]));
        CheckInputs(session, expected, path);
        CheckOutput(session, NextStream, shape.HiddenSize, path);
        CheckOutput(session, Logits, shape.Drafter!.Vocabulary, path);
    }

    /// <summary>Inputs that every graph of a step has.</summary>
    private static List<(string Name, TensorElementType Type, int[] Shape)> StepInputs(
        ModelShape shape, KvCachePrecision cachePrecision, Predicate<int> hasLayer)
    {
        var expected = new List<(string Name, TensorElementType Type, int[] Shape)>
        {
            (InputIds, TensorElementType.Int64, [-1]),
            (LogitRows, TensorElementType.Int64, [-1]),
            (CumulativeLengths, TensorElementType.Int32, [-1]),
            (PastLengths, TensorElementType.Int32, [-1]),
            (BlockTable, TensorElementType.Int32, [-1, -1]),
        };
        var (type, scale) = (KvCacheFormat.ElementType(cachePrecision), KvCacheFormat.ScaleElements(cachePrecision));
        foreach (var heads in shape.CachedHeads().Where(heads => hasLayer(heads.Layer)))
        {
            expected.Add(($"key_cache.{heads.Layer}", type, [-1, -1, heads.KeyValueHeads, heads.KeySize + scale]));
            expected.Add(($"value_cache.{heads.Layer}", type, [-1, -1, heads.KeyValueHeads, heads.ValueSize + scale]));
        }

        return expected;
    }

    private static void CheckInputs(
        InferenceSession session, List<(string Name, TensorElementType Type, int[] Shape)> expected, string path)
    {
        var inputs = session.InputMetadata;
        foreach (var (name, type, dimensions) in expected)
        {
            if (!inputs.TryGetValue(name, out var metadata))
                throw new InvalidDataException($"{path}: the graph has no input {name}, which {ModelManifest.FileName} calls for.");
            Compare(name, metadata, type, dimensions, path);
        }

        // Only a head that can tell the best logits from the others asks how many of them count.
        if (inputs.TryGetValue(LogitBest, out var best))
        {
            Compare(LogitBest, best, TensorElementType.Int32, [-1], path);
            expected.Add((LogitBest, TensorElementType.Int32, [-1]));
        }

        if (inputs.Keys.Except(expected.Select(input => input.Name)).FirstOrDefault() is { } surplus)
            throw new InvalidDataException($"{path}: the graph's input {surplus} is unknown.");
    }

    private static void CheckOutput(InferenceSession session, string name, int columns, string path)
    {
        if (!session.OutputMetadata.TryGetValue(name, out var output))
            throw new InvalidDataException($"{path}: the graph has no output {name}.");
        Compare(name, output, TensorElementType.Float, [-1, columns], path);
    }

    private static void Compare(string name, NodeMetadata actual, TensorElementType type, int[] shape, string path)
    {
        if (actual.ElementDataType != type)
            throw new InvalidDataException($"{path}: {name} is {actual.ElementDataType}, not {type}.");
        var fits = actual.Dimensions.Length == shape.Length
            && actual.Dimensions.Zip(shape).All(pair => pair.First < 0 || pair.Second < 0 || pair.First == pair.Second);
        if (!fits)
        {
            var found = string.Join(", ", actual.Dimensions);
            throw new InvalidDataException(
                $"{path}: {name} is [{found}], {ModelManifest.FileName} calls for [{string.Join(", ", shape)}].");
        }
    }
}
