using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Parley.ModelImporter.Package;

namespace Parley.Generator.Execution;

/// <summary>The memory of all KV blocks: keys and values of each layer, allocated once and bound once.</summary>
internal sealed unsafe class KvCacheBuffers : IDisposable
{
    private readonly List<AlignedBuffer> _buffers = [];
    private readonly List<OrtValue> _values = [];
    private readonly long _blockBytes;
    private readonly int _blockCount;

    public KvCacheBuffers(ModelShape shape, int blockCount, int blockTokens, OrtIoBinding binding)
    {
        _blockCount = blockCount;
        _blockBytes = (long)blockTokens * shape.KeyValueHeads * shape.HeadSize * sizeof(float);
        for (var layer = 0; layer < shape.Layers; layer++)
        {
            foreach (var name in new[] { $"key_cache.{layer}", $"value_cache.{layer}" })
            {
                var buffer = new AlignedBuffer(checked(_blockBytes * blockCount));
                _buffers.Add(buffer);
                var value = buffer.View(
                    TensorElementType.Float, sizeof(float), blockCount, blockTokens, shape.KeyValueHeads, shape.HeadSize);
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
