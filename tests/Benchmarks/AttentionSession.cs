using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Parley.Generator.Execution;
using SessionOptions = Microsoft.ML.OnnxRuntime.SessionOptions;

namespace Parley.Benchmarks;

/// <summary>A graph of nothing but attention nodes, its inputs bound once; what it holds lives until it is disposed.</summary>
internal abstract class AttentionSession(AttentionLoad load) : IDisposable
{
    private readonly List<IDisposable> _owned = [];
    private readonly RunOptions _runOptions = new();
    private InferenceSession _session = null!;
    private OrtIoBinding _binding = null!;

    protected AttentionLoad Load { get; } = load;

    /// <summary>Runs all layers once.</summary>
    public void Run() => _session.RunWithBinding(_runOptions, _binding);

    public void Dispose()
    {
        _binding.Dispose();
        _session.Dispose();
        _runOptions.Dispose();
        for (var i = _owned.Count - 1; i >= 0; i--)
            _owned[i].Dispose();
    }

    protected void Open(byte[] model, int threads)
    {
        using SessionOptions options = SessionFactory.CreateOptions(threads, spinMicroseconds: 0);
        _session = new InferenceSession(model, options);
        _binding = _session.CreateIoBinding();
    }

    protected void BindInput(string name, OrtValue value) => _binding.BindInput(name, value);

    protected void BindOutput(string name, OrtValue value) => _binding.BindOutput(name, value);

    /// <summary>A tensor of zeros, or of small random numbers.</summary>
    protected OrtValue Floats(Random? random, params long[] shape)
    {
        var value = Allocate(TensorElementType.Float, sizeof(float), shape);
        var data = value.GetTensorMutableDataAsSpan<float>();
        data.Clear();
        for (var i = 0; random is not null && i < data.Length; i++)
            data[i] = (float)((random.NextDouble() * 2) - 1);
        return value;
    }

    protected OrtValue Integers(int[] values, params long[] shape)
    {
        var value = Allocate(TensorElementType.Int32, sizeof(int), shape);
        values.CopyTo(value.GetTensorMutableDataAsSpan<int>());
        return value;
    }

    protected OrtValue Allocate(TensorElementType type, int elementBytes, params long[] shape)
    {
        var buffer = new AlignedBuffer(shape.Aggregate((long)elementBytes, (bytes, dimension) => bytes * dimension));
        _owned.Add(buffer);
        var value = buffer.View(type, elementBytes, shape);
        _owned.Add(value);
        return value;
    }

    /// <summary>Adds the rotary tables as constants <c>cos</c> and <c>sin</c>.</summary>
    protected void AddRotary(OnnxGraphWriter graph)
    {
        var half = Load.HeadSize / 2;
        var angles = (from position in Enumerable.Range(0, Load.Length)
                      from j in Enumerable.Range(0, half)
                      select position * Math.Pow(10000, -j / (double)half)).ToArray();
        float[] cos = [.. angles.Select(angle => (float)Math.Cos(angle))], sin = [.. angles.Select(angle => (float)Math.Sin(angle))];
        graph.Constant("cos", OnnxGraphWriter.Float, MemoryMarshal.AsBytes<float>(cos), Load.Length, half)
            .Constant("sin", OnnxGraphWriter.Float, MemoryMarshal.AsBytes<float>(sin), Load.Length, half);
    }
}
