using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution.Kernels;
using Parley.PackageFormat;
using SessionOptions = Microsoft.ML.OnnxRuntime.SessionOptions;

namespace Parley.Generator.Execution.Cuda;

/// <summary>
/// The device's attention against the CPU's, in the served model's own geometry: a few ragged steps of prompts, single tokens and a chunk
/// that
/// crosses a block. Schemas of contrib operators carry no version, so a build that does not fit computes something else in silence.
/// </summary>
internal sealed class AttentionSelfTest
{
    private const int BlocksEach = 2;

    /// <summary>New tokens of each of the three sequences, step by step; −n is the block size less n.</summary>
    private static readonly int[][] Steps = [[-2, 1, 37], [1, 1, 1], [5, 1, 1], [1, 1, 1]];

    /// <summary>The blocks of each sequence, in no order.</summary>
    private static readonly int[] Table = [4, 1, 0, 5, 2, 3];

    private readonly ModelShape _shape;
    private readonly GraphTarget _target;
    private readonly int _blockTokens;
    private readonly int _qkvWidth;

    public AttentionSelfTest(ModelShape shape, GraphTarget target, int blockTokens)
    {
        (_shape, _target, _blockTokens) = (shape, target, blockTokens);
        _qkvWidth = (shape.QueryHeads + (2 * shape.KeyValueHeads)) * shape.HeadSize;
    }

    /// <summary>Difference that rounding of activations and cache explains: some four units of the last place.</summary>
    public static double Tolerance(GraphTarget target) => target.Activations switch
    {
        "fp16" => 4.0 / 2048,
        "bf16" => 4.0 / 256,
        _ => 1e-5,
    };

    /// <summary>Runs both sides.</summary>
    /// <param name="deviceOptions">Sessions on the device; not disposed.</param>
    /// <param name="memory">The device's memory.</param>
    public LogitComparison Run(SessionOptions deviceOptions, IDeviceMemory memory)
    {
        using var hostOptions = OnnxRuntimeSetup.CreateSessionOptions();
        using var hostMemory = new RehearsalMemory();
        var host = new GraphTarget(GraphTarget.Rehearsal, "fp32", GraphTarget.Paged, 0);
        var expected = Attend(hostOptions, hostMemory, host);
        return LogitComparison.Of(expected, _target.Attention == GraphTarget.GroupQuery
            ? new SlotAttention(_shape, _target, BlocksEach * _blockTokens, Rotary).Run(deviceOptions, memory, Steps[0].Length, Material())
            : Attend(deviceOptions, memory, _target));
    }

    /// <summary>Refuses to serve what is computed wrongly.</summary>
    /// <exception cref="InvalidDataException">The results differ by more than rounding.</exception>
    public static void Require(LogitComparison comparison, GraphTarget target, string device)
    {
        var tolerance = Tolerance(target);
        if (comparison.IsWithin(tolerance))
            return;
        var name = target.Attention == GraphTarget.GroupQuery ? "GroupQueryAttention" : PagedAttentionOp.OpName;
        throw new InvalidDataException(
            $"{device}: {name} differs from the CPU's by {comparison.Relative:0.0e+0} (worst {comparison.Worst:0.0e+0}), rounding "
            + $"explains {tolerance:0.0e+0}. This ONNX Runtime, its CUDA provider and CUDA's libraries do not fit together; "
                + "nothing is served. "
            + "docs/cuda.md says which do; Generator:Cuda:SelfTest=false goes on regardless.");
    }

    private float[] Attend(SessionOptions options, IDeviceMemory memory, GraphTarget target)
    {
        using var session = new InferenceSession(Model(target), options);
        using var binding = session.CreateIoBinding();
        using var run = new RunOptions();
        run.AddRunConfigEntry("gpu_graph_id", GraphBuckets.Eager.ToString(System.Globalization.CultureInfo.InvariantCulture));
        var caches = BindingPlan.Caches(_shape with { Layers = 1 }, target, Table.Length, _blockTokens);
        using var cache = new DeviceBuffer(memory, caches[^1].Offset + caches[^1].Bytes);
        memory.Clear(cache.Address, cache.Bytes);
        memory.Synchronize();
        var views = caches.Select(tensor => cache.View(tensor.Type, tensor.Offset, tensor.Bytes, [.. tensor.Shape])).ToList();
        for (var i = 0; i < caches.Count; i++)
            binding.BindInput(caches[i].Name, views[i]);

        var results = new List<float>();
        foreach (var (lengths, past, values) in Material())
            results.AddRange(RunStep(session, binding, run, target, lengths, past, values));

        foreach (var view in views)
            view.Dispose();
        return [.. results];
    }

    /// <summary>Both sides read what 16 bits can hold, so only what they compute differs.</summary>
    private IEnumerable<(int[] Lengths, int[] Past, float[] Values)> Material()
    {
        var random = new Random(20);
        var past = new int[Steps[0].Length];
        foreach (var step in Steps)
        {
            int[] lengths = [.. step.Select(count => count > 0 ? count : _blockTokens + count)];
            var values = new float[lengths.Sum() * _qkvWidth];
            for (var i = 0; i < values.Length; i++)
                values[i] = NarrowFloat.Round(((float)random.NextDouble() * 2) - 1, _target.Activations);
            yield return (lengths, [.. past], values);
            for (var i = 0; i < past.Length; i++)
                past[i] += lengths[i];
        }
    }

    private float[] RunStep(
        InferenceSession session, OrtIoBinding binding, RunOptions run, GraphTarget target, int[] lengths, int[] past, float[] values)
    {
        var tokens = lengths.Sum();
        int[] cumulative = [0, .. lengths.Select((_, i) => lengths[..(i + 1)].Sum())];
        int[] metadata = [lengths.Max(), past.Zip(lengths, (a, b) => a + b).Max(), 0];
        var width = _shape.QueryHeads * _shape.HeadSize;
        var type = BindingPlan.TypeOf(target);
        using var qkv = OrtValue.CreateAllocatedTensorValue(OrtAllocator.DefaultInstance, type, [tokens, _qkvWidth]);
        NarrowFloat.Encode(values, target.Activations).CopyTo(qkv.GetTensorMutableRawData());
        using var sums = OrtValue.CreateTensorValueFromMemory(cumulative, [cumulative.Length]);
        using var pasts = OrtValue.CreateTensorValueFromMemory(past, [past.Length]);
        using var table = OrtValue.CreateTensorValueFromMemory(Table, [past.Length, BlocksEach]);
        using var bounds = OrtValue.CreateTensorValueFromMemory(metadata, [metadata.Length]);
        using var result = OrtValue.CreateAllocatedTensorValue(OrtAllocator.DefaultInstance, type, [tokens, width]);
        binding.BindInput("qkv", qkv);
        binding.BindInput(GraphContract.CumulativeLengths, sums);
        binding.BindInput(GraphContract.PastLengths, pasts);
        binding.BindInput(GraphContract.BlockTable, table);
        if (session.InputMetadata.ContainsKey(BindingPlan.Metadata))
            binding.BindInput(BindingPlan.Metadata, bounds);
        binding.BindOutput("y", result);
        session.RunWithBinding(run, binding);
        binding.SynchronizeBoundOutputs();
        return NarrowFloat.Decode(result.GetTensorMutableRawData(), target.Activations);
    }

    private byte[] Model(GraphTarget target)
    {
        var type = (int)BindingPlan.TypeOf(target);
        var onDevice = target.Device != GraphTarget.Rehearsal;
        var (positions, half) = (BlocksEach * _blockTokens, _shape.HeadSize / 2);
        var graph = new OnnxGraphWriter()
            .Constant("cos", type, Rotary(Math.Cos, target), positions, half)
            .Constant("sin", type, Rotary(Math.Sin, target), positions, half)
            .Input("qkv", type, -1, _qkvWidth);
        foreach (var name in new[] { "key_cache.0", "value_cache.0" })
            graph.Input(name, type, -1, -1, _shape.KeyValueHeads, _shape.HeadSize);
        graph.Input(GraphContract.CumulativeLengths, OnnxGraphWriter.Int32, -1).Input(GraphContract.PastLengths, OnnxGraphWriter.Int32, -1);
        graph.Input(GraphContract.BlockTable, OnnxGraphWriter.Int32, -1, -1);
        string[] inputs =
        [
            "qkv", "", "", "key_cache.0", "value_cache.0", GraphContract.CumulativeLengths, GraphContract.PastLengths,
            GraphContract.BlockTable, "cos", "sin",
        ];
        if (onDevice)
        {
            graph.Input(BindingPlan.Metadata, OnnxGraphWriter.Int32, BindingPlan.MetadataCount);
            inputs = [.. inputs, "", "", "", "", "", "", BindingPlan.Metadata];
        }

        graph.Node(
            PagedAttentionOp.OpName, onDevice ? "com.microsoft" : CustomOpDomain.Name, inputs, ["y"],
            ("num_heads", (long)_shape.QueryHeads), ("kv_num_heads", (long)_shape.KeyValueHeads), ("do_rotary", 1L));
        return graph.Output("y", type, -1, _shape.QueryHeads * _shape.HeadSize).ToModel();
    }

    /// <summary>Cosines or sines [positions, head size / 2], as the device holds them, in the type of a side.</summary>
    private byte[] Rotary(Func<double, double> function, GraphTarget target)
    {
        var half = _shape.HeadSize / 2;
        var values = new float[BlocksEach * _blockTokens * half];
        for (var i = 0; i < values.Length; i++)
        {
            var angle = (float)(i / half * Math.Pow(10_000, -(i % half) / (double)half));
            values[i] = NarrowFloat.Round((float)function(angle), _target.Activations);
        }

        return NarrowFloat.Encode(values, target.Activations);
    }
}
