using System.Globalization;
using Microsoft.ML.OnnxRuntime;
using Parley.PackageFormat;
using SessionOptions = Microsoft.ML.OnnxRuntime.SessionOptions;

namespace Parley.Generator.Execution.Cuda;

/// <summary>The device's side of the self-test where the operator is GroupQueryAttention: one node over slots, run by run.</summary>
/// <param name="shape">The model's geometry.</param>
/// <param name="target">Element type.</param>
/// <param name="positions">Positions of a slot.</param>
/// <param name="rotary">Cosines or sines of all positions.</param>
internal sealed class SlotAttention(
    ModelShape shape, GraphTarget target, int positions, Func<Func<double, double>, GraphTarget, byte[]> rotary)
{
    private const string Output = "y";
    private const string Input = "qkv";

    private readonly int _inputWidth = (shape.QueryHeads + (2 * shape.KeyValueHeads)) * shape.HeadSize;
    private readonly int _outputWidth = shape.QueryHeads * shape.HeadSize;

    /// <summary>Runs the steps; sequence i is in slot i.</summary>
    /// <returns>What each token's heads give, in the order of the steps' tokens.</returns>
    public float[] Run(
        SessionOptions options, IDeviceMemory memory, int slots, IEnumerable<(int[] Lengths, int[] Past, float[] Values)> steps)
    {
        using var session = new InferenceSession(Model(), options);
        using var binding = session.CreateIoBinding();
        using var run = new RunOptions();
        run.AddRunConfigEntry("gpu_graph_id", GraphBuckets.Eager.ToString(CultureInfo.InvariantCulture));
        var caches = BindingPlan.SlotCaches(shape with { Layers = 1 }, target, slots, positions).ToList();
        using var cache = new DeviceBuffer(memory, caches[^1].Offset + caches[^1].Bytes);
        memory.Clear(cache.Address, cache.Bytes);
        memory.Synchronize();
        var results = new List<float>();
        foreach (var (lengths, past, values) in steps)
        {
            var token = 0;
            for (var first = 0; first < lengths.Length;)
            {
                // Single tokens of neighbours go together, as in the runner; a chunk goes alone.
                var count = lengths[first] > 1 ? 1 : lengths.Skip(first).TakeWhile(length => length == 1).Count();
                var tokens = lengths.Skip(first).Take(count).Sum();
                var views = caches.ConvertAll(tensor => View(cache, tensor, slots, first, count));
                results.AddRange(RunOne(
                    session, binding, run, caches.Zip(views), lengths[first..(first + count)], past[first..(first + count)],
                    values[(token * _inputWidth)..((token + tokens) * _inputWidth)]));
                views.ForEach(view => view.Dispose());
                (first, token) = (first + count, token + tokens);
            }
        }

        return [.. results];
    }

    private static OrtValue View(DeviceBuffer cache, TensorBinding tensor, int slots, int first, int count)
    {
        var slotBytes = tensor.Bytes / slots;
        return cache.View(tensor.Type, tensor.Offset + (first * slotBytes), count * slotBytes, [count, .. tensor.Shape.Skip(1)]);
    }

    private float[] RunOne(
        InferenceSession session, OrtIoBinding binding, RunOptions run, IEnumerable<(TensorBinding Tensor, OrtValue View)> caches,
        int[] lengths, int[] past, float[] values)
    {
        var type = BindingPlan.TypeOf(target);
        int[] last = [.. past.Zip(lengths, (before, count) => before + count - 1)];
        using var qkv = OrtValue.CreateAllocatedTensorValue(
            OrtAllocator.DefaultInstance, type, [lengths.Length, lengths[0], _inputWidth]);
        NarrowFloat.Encode(values, target.Activations).CopyTo(qkv.GetTensorMutableRawData());
        using var ends = OrtValue.CreateTensorValueFromMemory(last, [last.Length]);
        using var longest = OrtValue.CreateTensorValueFromMemory(new[] { last.Max() + 1 }, [1]);
        using var result = OrtValue.CreateAllocatedTensorValue(
            OrtAllocator.DefaultInstance, type, [lengths.Length, lengths[0], _outputWidth]);
        binding.BindInput(Input, qkv);
        binding.BindInput(BindingPlan.SlotPositions, ends);
        binding.BindInput(BindingPlan.LongestLength, longest);
        foreach (var (tensor, view) in caches)
        {
            binding.BindInput(tensor.Name, view);
            binding.BindOutput(tensor.Alias!, view);
        }

        binding.BindOutput(Output, result);
        session.RunWithBinding(run, binding);
        binding.SynchronizeBoundOutputs();
        return NarrowFloat.Decode(result.GetTensorMutableRawData(), target.Activations);
    }

    private byte[] Model()
    {
        var type = (int)BindingPlan.TypeOf(target);
        var half = shape.HeadSize / 2;
        string[] caches = ["key_cache.0", "value_cache.0"];
        string[] given = ["key_cache_out.0", "value_cache_out.0"];
        var graph = new OnnxGraphWriter()
            .Constant("cos", type, rotary(Math.Cos, target), positions, half)
            .Constant("sin", type, rotary(Math.Sin, target), positions, half)
            .Input(Input, type, -1, -1, _inputWidth)
            .Input(BindingPlan.SlotPositions, OnnxGraphWriter.Int32, -1)
            .Input(BindingPlan.LongestLength, OnnxGraphWriter.Int32, 1);
        foreach (var name in caches)
            graph.Input(name, type, -1, shape.KeyValueHeads, positions, shape.HeadSize);
        foreach (var name in given)
            graph.Output(name, type, -1, shape.KeyValueHeads, positions, shape.HeadSize);
        return graph
            .Node(
                "GroupQueryAttention", "com.microsoft",
                [Input, "", "", .. caches, BindingPlan.SlotPositions, BindingPlan.LongestLength, "cos", "sin"], [Output, .. given],
                ("num_heads", (long)shape.QueryHeads), ("kv_num_heads", (long)shape.KeyValueHeads), ("do_rotary", 1L))
            .Output(Output, type, -1, -1, _outputWidth)
            .ToModel();
    }
}
