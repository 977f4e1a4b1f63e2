using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Parley.Generator.Execution.Slots;
using Parley.PackageFormat;

namespace Parley.Generator.Execution.Cuda;

/// <summary>
/// Which tensor of a CUDA graph lives where: inputs of a step side by side, so that one copy brings them to the device; the bounds of its
/// lengths on the host; caches and logits on the device; candidates side by side, so that one copy brings them back.
/// </summary>
internal sealed class BindingPlan
{
    public const string Metadata = "attention_metadata";
    public const string TopLogits = "top_logits";
    public const string TopIds = "top_ids";
    public const string LogitSums = "logit_sums";

    /// <summary>Of a run over slots: sequences, tokens each, width of a token's query, key and value.</summary>
    public const string AttentionShape = "attention_shape";

    public const int AttentionShapeCount = 3;

    /// <summary>The position of each slot's last new token.</summary>
    public const string SlotPositions = "seqlens_k";

    /// <summary>Past and new tokens of the longest sequence of a run.</summary>
    public const string LongestLength = "total_sequence_length";

    /// <summary>Upper bounds of new tokens and of the length of a sequence, lower bound of the longest.</summary>
    public const int MetadataCount = 3;

    /// <summary>Kernels load rows as vectors.</summary>
    public const long AlignmentBytes = 256;

    private readonly List<TensorBinding> _tensors = [];

    private BindingPlan(RegionOffsets start) =>
        (Start, UploadBytes, HostBytes, DownloadBytes) = (start, start.Upload, start.Host, start.Download);

    /// <summary>Where the step begins in each place: 0 but for the further runs of a step over slots.</summary>
    public RegionOffsets Start { get; }

    /// <summary>All tensors of a step but the caches.</summary>
    public IReadOnlyList<TensorBinding> Tensors => _tensors;

    /// <summary>Bytes that go to the device.</summary>
    public long UploadBytes { get; private set; }

    /// <summary>Bytes that stay on the host.</summary>
    public long HostBytes { get; private set; }

    /// <summary>Bytes that come back.</summary>
    public long DownloadBytes { get; private set; }

    /// <summary>Bytes of logits.</summary>
    public long LogitBytes { get; private set; }

    /// <summary>Where the next run of the step begins.</summary>
    public RegionOffsets End => new(UploadBytes, HostBytes, DownloadBytes, LogitBytes);

    /// <summary>Lays out a step over blocks.</summary>
    public static BindingPlan Create(ModelShape shape, GraphTarget target, StepSize size)
    {
        var plan = new BindingPlan(default);
        plan.AddInput(GraphContract.InputIds, TensorElementType.Int64, sizeof(long), size.Tokens);
        plan.AddInput(GraphContract.LogitRows, TensorElementType.Int64, sizeof(long), size.LogitRows);
        plan.AddInput(GraphContract.CumulativeLengths, TensorElementType.Int32, sizeof(int), size.Sequences + 1);
        plan.AddInput(GraphContract.PastLengths, TensorElementType.Int32, sizeof(int), size.Sequences);
        plan.AddInput(GraphContract.BlockTable, TensorElementType.Int32, sizeof(int), size.Sequences, size.TableWidth);
        plan.AddHostInput(Metadata, TensorElementType.Int32, sizeof(int), MetadataCount);
        plan.AddOutputs(shape, target, size.LogitRows);
        return plan;
    }

    /// <summary>Lays out one run over slots, its views of the caches included.</summary>
    /// <param name="shape">The model.</param>
    /// <param name="target">Element type and candidates.</param>
    /// <param name="run">Which slots, how many tokens each, how many rows.</param>
    /// <param name="slots">All slots and the positions of each.</param>
    /// <param name="start">Where the run before it ends in each place.</param>
    public static BindingPlan CreateRun(
        ModelShape shape, GraphTarget target, SlotRun run, (int Count, int Positions) slots, RegionOffsets start)
    {
        var plan = new BindingPlan(start);
        plan.AddInput(GraphContract.InputIds, TensorElementType.Int64, sizeof(long), run.Tokens);
        plan.AddInput(GraphContract.LogitRows, TensorElementType.Int64, sizeof(long), run.BoundLogitRows);
        plan.AddInput(SlotPositions, TensorElementType.Int32, sizeof(int), run.Slots);
        plan.AddHostInput(AttentionShape, TensorElementType.Int64, sizeof(long), AttentionShapeCount);
        plan.AddHostInput(LongestLength, TensorElementType.Int32, sizeof(int), 1);
        plan.AddOutputs(shape, target, run.BoundLogitRows);
        foreach (var cache in SlotCaches(shape, target, slots.Count, slots.Positions))
        {
            var slotBytes = cache.Bytes / slots.Count;
            plan._tensors.Add(cache with
            {
                Offset = cache.Offset + (run.FirstSlot * slotBytes),
                Bytes = run.Slots * slotBytes,
                Shape = [run.Slots, .. cache.Shape.Skip(1)],
            });
        }

        return plan;
    }

    /// <summary>Keys and values of all layers, one after another.</summary>
    /// <param name="shape">The model.</param>
    /// <param name="target">Element type.</param>
    /// <param name="blocks">Blocks, the one for filling rows included.</param>
    /// <param name="blockTokens">Positions of each.</param>
    public static IReadOnlyList<TensorBinding> Caches(ModelShape shape, GraphTarget target, int blocks, int blockTokens)
    {
        var bytes = (long)blocks * blockTokens * shape.KeyValueHeads * shape.HeadSize * ElementBytes(target);
        var list = new List<TensorBinding>();
        for (var layer = 0; layer < shape.Layers; layer++)
        {
            foreach (var name in new[] { $"key_cache.{layer}", $"value_cache.{layer}" })
            {
                list.Add(new TensorBinding(
                    name, false, TensorPlace.Cache, TypeOf(target), list.Count * bytes, bytes,
                    [blocks, blockTokens, shape.KeyValueHeads, shape.HeadSize]));
            }
        }

        return list;
    }

    /// <summary>As <see cref="Caches"/>, in the order that GroupQueryAttention reads, and given back where they are.</summary>
    public static IEnumerable<TensorBinding> SlotCaches(ModelShape shape, GraphTarget target, int slots, int positions) =>
        Caches(shape, target, slots, positions).Select(cache => cache with
        {
            Shape = [slots, shape.KeyValueHeads, positions, shape.HeadSize],
            Alias = cache.Name.Replace("_cache.", "_cache_out.", StringComparison.Ordinal),
        });

    /// <summary>Candidates of a row; no more than there are tokens.</summary>
    public static int CandidatesOf(ModelShape shape, GraphTarget target) => Math.Min(target.Candidates, shape.VocabularySize);

    public static TensorElementType TypeOf(GraphTarget target) => target.Activations switch
    {
        "fp16" => TensorElementType.Float16,
        "bf16" => TensorElementType.BFloat16,
        "fp32" => TensorElementType.Float,
        _ => throw new InvalidDataException($"{ModelManifest.FileName}: target.activations {target.Activations} is unknown."),
    };

    public static int ElementBytes(GraphTarget target) => target.Activations == "fp32" ? sizeof(float) : sizeof(ushort);

    /// <summary>Compares a session's inputs and outputs with what this plan will bind.</summary>
    /// <exception cref="InvalidDataException">Something is missing, surplus or of another type; the message names it.</exception>
    public static void Verify(InferenceSession session, ModelShape shape, GraphTarget target, string path)
    {
        IEnumerable<TensorBinding> planned = target.Attention == GraphTarget.GroupQuery
            ? CreateRun(shape, target, new SlotRun(0, 1, 1, 1), (1, 1), default).Tensors
            : Create(shape, target, new StepSize(1, 1, 1, 1)).Tensors.Concat(Caches(shape, target, 1, 1));
        var given = planned.Where(tensor => tensor.Alias is not null)
            .Select(tensor => tensor with { Name = tensor.Alias!, IsOutput = true });
        planned = [.. planned, .. given];
        foreach (var tensor in planned)
        {
            var metadata = tensor.IsOutput ? session.OutputMetadata : session.InputMetadata;
            if (!metadata.TryGetValue(tensor.Name, out var node))
                throw new InvalidDataException($"{path}: the graph has no {(tensor.IsOutput ? "output" : "input")} {tensor.Name}.");
            if (node.ElementDataType != tensor.Type)
                throw new InvalidDataException($"{path}: {tensor.Name} is {node.ElementDataType}, not {tensor.Type}.");
            var fixedDimensions = node.Dimensions.Zip(tensor.Shape).All(pair => pair.First < 0 || pair.First == pair.Second);
            if (node.Dimensions.Length != tensor.Shape.Count || !fixedDimensions)
                throw new InvalidDataException($"{path}: {tensor.Name} has the shape [{string.Join(", ", node.Dimensions)}].");
        }

        var names = planned.Select(tensor => tensor.Name).ToHashSet();
        if (session.InputMetadata.Keys.Concat(session.OutputMetadata.Keys).FirstOrDefault(name => !names.Contains(name)) is { } surplus)
            throw new InvalidDataException($"{path}: the graph's {surplus} is unknown.");
    }

    /// <summary>Where a tensor begins in its place.</summary>
    public long OffsetOf(string name)
    {
        foreach (var tensor in _tensors)
        {
            if (tensor.Name == name)
                return tensor.Offset;
        }

        throw new ArgumentException($"{name} is no tensor of a step.", nameof(name));
    }

    private void AddInput(string name, TensorElementType type, int elementBytes, params long[] shape)
    {
        var bytes = shape.Aggregate((long)elementBytes, (product, dimension) => product * dimension);
        _tensors.Add(new TensorBinding(name, false, TensorPlace.Upload, type, UploadBytes, bytes, shape));
        UploadBytes = Align(UploadBytes + bytes);
    }

    /// <summary>An input that the operator reads in the host's memory.</summary>
    private void AddHostInput(string name, TensorElementType type, int elementBytes, long count)
    {
        _tensors.Add(new TensorBinding(name, false, TensorPlace.Host, type, HostBytes, count * elementBytes, [count]));
        HostBytes = Align(HostBytes + (count * elementBytes));
    }

    private void AddOutputs(ModelShape shape, GraphTarget target, int rows)
    {
        var bytes = (long)rows * shape.VocabularySize * sizeof(float);
        _tensors.Add(new TensorBinding(
            GraphContract.Logits, true, TensorPlace.Logits, TensorElementType.Float, Start.Logits, bytes, [rows, shape.VocabularySize]));
        LogitBytes = Align(Start.Logits + bytes);
        if (CandidatesOf(shape, target) is not (> 0 and var candidates))
            return;
        AddOutput(LogitSums, TensorElementType.Float, sizeof(float), rows);
        AddOutput(TopLogits, TensorElementType.Float, sizeof(float), rows, candidates);
        AddOutput(TopIds, TensorElementType.Int64, sizeof(long), rows, candidates);
    }

    private void AddOutput(string name, TensorElementType type, int elementBytes, params long[] shape)
    {
        var bytes = shape.Aggregate((long)elementBytes, (product, dimension) => product * dimension);
        _tensors.Add(new TensorBinding(name, true, TensorPlace.Download, type, DownloadBytes, bytes, shape));
        DownloadBytes = Align(DownloadBytes + bytes);
    }

    private static long Align(long bytes) => (bytes + AlignmentBytes - 1) / AlignmentBytes * AlignmentBytes;
}
