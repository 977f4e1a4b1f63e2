using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Parley.PackageFormat;

namespace Parley.Generator.Execution.Exports;

/// <summary>Keys and values of all slots, a buffer [slots, heads, positions, head size] for those of each layer.</summary>
internal sealed class SlotCaches : IDisposable
{
    private readonly List<(string Past, string Present, AlignedBuffer Buffer)> _buffers = [];
    private readonly ModelShape _shape;
    private readonly TensorElementType _type;
    private readonly int _elementBytes;
    private readonly int _positions;

    public SlotCaches(ModelShape shape, ExportedGraph graph, int slots, int positions)
    {
        (_shape, _positions) = (shape, positions);
        (_type, _elementBytes) = TypeOf(graph);
        for (var layer = 0; layer < shape.Layers; layer++)
        {
            Add(graph.PastKeys, graph.PresentKeys, layer);
            Add(graph.PastValues, graph.PresentValues, layer);
        }

        void Add(string past, string present, int layer) => _buffers.Add(
            (ExportedGraph.Of(past, layer), ExportedGraph.Of(present, layer), new AlignedBuffer(slots * SlotBytes)));
    }

    /// <summary>Bytes of one slot in one buffer.</summary>
    private long SlotBytes => (long)_shape.KeyValueHeads * _positions * _shape.HeadSize * _elementBytes;

    /// <summary>Element type of a graph's caches and its bytes.</summary>
    public static (TensorElementType Type, int Bytes) TypeOf(ExportedGraph graph) =>
        graph.CacheType == "fp16" ? (TensorElementType.Float16, sizeof(ushort)) : (TensorElementType.Float, sizeof(float));

    /// <summary>Binds neighbouring slots as past and as present: the operator writes in place where both are the same value.</summary>
    /// <returns>The values, which must outlive their binding.</returns>
    public List<OrtValue> Bind(OrtIoBinding binding, int first, int count)
    {
        var values = new List<OrtValue>(_buffers.Count);
        long[] dimensions = [count, _shape.KeyValueHeads, _positions, _shape.HeadSize];
        foreach (var (past, present, buffer) in _buffers)
        {
            var value = buffer.ViewAt(first * SlotBytes, _type, _elementBytes, dimensions);
            values.Add(value);
            binding.BindInput(past, value);
            binding.BindOutput(present, value);
        }

        return values;
    }

    /// <summary>Copies the first positions of a slot over another's.</summary>
    public unsafe void Copy(int source, int destination, int positions)
    {
        var (headBytes, rowBytes) = (SlotBytes / _shape.KeyValueHeads, (long)positions * _shape.HeadSize * _elementBytes);
        foreach (var (_, _, buffer) in _buffers)
        {
            var start = (byte*)buffer.Address;
            for (var head = 0; head < _shape.KeyValueHeads; head++)
            {
                Buffer.MemoryCopy(
                    start + (source * SlotBytes) + (head * headBytes), start + (destination * SlotBytes) + (head * headBytes), rowBytes,
                    rowBytes);
            }
        }
    }

    public void Dispose()
    {
        foreach (var (_, _, buffer) in _buffers)
            buffer.Dispose();
    }
}
