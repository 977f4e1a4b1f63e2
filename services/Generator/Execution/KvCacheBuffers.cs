using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution.Kernels;
using Parley.PackageFormat;

namespace Parley.Generator.Execution;

/// <summary>The memory of all KV blocks: keys and values of each layer, allocated once and bound once to each graph.</summary>
internal sealed unsafe class KvCacheBuffers : IDisposable
{
    private readonly List<(AlignedBuffer Memory, long BlockBytes)> _buffers = [];
    private readonly List<(OrtValue Value, string Name, int Layer)> _values = [];
    private readonly int _blockCount;

    public KvCacheBuffers(ModelShape shape, RunnerOptions options)
    {
        var precision = options.CachePrecision;
        _blockCount = options.BlockCount;
        foreach (var heads in shape.CachedHeads())
        {
            foreach (var (kind, size) in new[] { ("key_cache", heads.KeySize), ("value_cache", heads.ValueSize) })
            {
                var blockBytes = (long)options.BlockTokens * heads.KeyValueHeads * KvCacheFormat.HeadBytes(precision, size);
                var buffer = new AlignedBuffer(checked(blockBytes * _blockCount));
                _buffers.Add((buffer, blockBytes));
                var value = buffer.View(
                    KvCacheFormat.ElementType(precision), KvCacheFormat.ElementBytes(precision),
                    _blockCount, options.BlockTokens, heads.KeyValueHeads, size + KvCacheFormat.ScaleElements(precision));
                _values.Add((value, $"{kind}.{heads.Layer}", heads.Layer));
            }
        }
    }

    /// <summary>All of the memory.</summary>
    public long Bytes => _buffers.Sum(buffer => buffer.Memory.Bytes);

    /// <summary>Gives a graph those of its layers.</summary>
    public void Bind(OrtIoBinding binding, Predicate<int> hasLayer)
    {
        foreach (var (value, name, layer) in _values)
        {
            if (hasLayer(layer))
                binding.BindInput(name, value);
        }
    }

    /// <summary>Copies all layers of one block over another.</summary>
    public void CopyBlock(int source, int destination)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)source, (uint)_blockCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)destination, (uint)_blockCount);
        foreach (var (memory, bytes) in _buffers)
        {
            var start = (byte*)memory.Address;
            Buffer.MemoryCopy(start + (source * bytes), start + (destination * bytes), bytes, bytes);
        }
    }

    public void Dispose()
    {
        foreach (var (value, _, _) in _values)
            value.Dispose();
        foreach (var (memory, _) in _buffers)
            memory.Dispose();
        _values.Clear();
        _buffers.Clear();
    }
}
