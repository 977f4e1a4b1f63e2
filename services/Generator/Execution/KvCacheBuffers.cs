using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution.Kernels;
using Parley.PackageFormat;

namespace Parley.Generator.Execution;

/// <summary>The memory of all KV blocks: keys and values of each layer, allocated once and bound once.</summary>
internal sealed unsafe class KvCacheBuffers : IDisposable
{
    private readonly List<AlignedBuffer> _buffers = [];
    private readonly List<OrtValue> _values = [];
    private readonly long _blockBytes;
    private readonly int _blockCount;

    public KvCacheBuffers(ModelShape shape, RunnerOptions options, OrtIoBinding binding)
    {
        var precision = options.CachePrecision;
        var dimension = shape.HeadSize + KvCacheFormat.ScaleElements(precision);
        _blockCount = options.BlockCount;
        _blockBytes = (long)options.BlockTokens * shape.KeyValueHeads * KvCacheFormat.HeadBytes(precision, shape.HeadSize);
        for (var layer = 0; layer < shape.Layers; layer++)
        {
            if (!shape.HasKeys(layer))
                continue;
            foreach (var name in new[] { $"key_cache.{layer}", $"value_cache.{layer}" })
            {
                var buffer = new AlignedBuffer(checked(_blockBytes * _blockCount));
                _buffers.Add(buffer);
                var value = buffer.View(
                    KvCacheFormat.ElementType(precision), KvCacheFormat.ElementBytes(precision),
                    _blockCount, options.BlockTokens, shape.KeyValueHeads, dimension);
                _values.Add(value);
                binding.BindInput(name, value);
            }
        }
    }

    /// <summary>All of the memory.</summary>
    public long Bytes => _buffers.Sum(buffer => buffer.Bytes);

    /// <summary>Copies all layers of one block over another.</summary>
    public void CopyBlock(int source, int destination)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)source, (uint)_blockCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)destination, (uint)_blockCount);
        foreach (var buffer in _buffers)
        {
            var start = (byte*)buffer.Address;
            Buffer.MemoryCopy(start + (source * _blockBytes), start + (destination * _blockBytes), _blockBytes, _blockBytes);
        }
    }

    public void Dispose()
    {
        foreach (var value in _values)
            value.Dispose();
        foreach (var buffer in _buffers)
            buffer.Dispose();
        _values.Clear();
        _buffers.Clear();
    }
}
