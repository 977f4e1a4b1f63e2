using Microsoft.ML.OnnxRuntime;

namespace Parley.Generator.Execution.Cuda;

/// <summary>
/// The memory of a runner: KV cache, inputs, candidates and logits on the device, and on the host what is copied up and down. All of it is
/// taken at start.
/// </summary>
internal sealed class RunnerBuffers : IDisposable
{
    private readonly IDeviceMemory _memory;
    private readonly IReadOnlyList<TensorBinding> _caches;
    private readonly DeviceBuffer _cache;
    private readonly DeviceBuffer _upload;
    private readonly DeviceBuffer _download;
    private readonly DeviceBuffer _deviceLogits;
    private readonly DeviceBuffer _hostLogits;
    private readonly LogitsMemory _logits;
    private readonly bool[] _fetched;
    private readonly int _vocabularySize;

    /// <param name="memory">The device; stays the caller's.</param>
    /// <param name="caches">The tensors of the KV cache.</param>
    /// <param name="largest">Bytes of each place that suffice for every step.</param>
    /// <param name="logitRows">Most rows of logits of a step.</param>
    /// <param name="vocabularySize">Logits of a row.</param>
    public RunnerBuffers(
        IDeviceMemory memory, IReadOnlyList<TensorBinding> caches, RegionOffsets largest, int logitRows, int vocabularySize)
    {
        (_memory, _caches, _vocabularySize, _fetched) = (memory, caches, vocabularySize, new bool[logitRows]);
        var logits = checked(logitRows * vocabularySize);
        _cache = new DeviceBuffer(memory, caches[^1].Offset + caches[^1].Bytes);
        _upload = new DeviceBuffer(memory, largest.Upload);
        Staging = new DeviceBuffer(memory, largest.Upload, pinned: true);
        Host = new DeviceBuffer(memory, largest.Host, pinned: true);
        _deviceLogits = new DeviceBuffer(memory, largest.Logits);
        _hostLogits = new DeviceBuffer(memory, (long)logits * sizeof(float), pinned: true);
        _download = new DeviceBuffer(memory, largest.Download);
        Candidates = new DeviceBuffer(memory, largest.Download, pinned: true);
        _logits = new LogitsMemory(() => _hostLogits.Span<float>(0, logits));
        // What a masked position holds is multiplied by zero, and zero times what was there before must be zero, too.
        memory.Clear(_cache.Address, _cache.Bytes);
        memory.Synchronize();
    }

    /// <summary>A step's inputs on the host, before they are copied up.</summary>
    public DeviceBuffer Staging { get; }

    /// <summary>What operators read on the host.</summary>
    public DeviceBuffer Host { get; }

    /// <summary>A step's candidates on the host, after they were copied down.</summary>
    public DeviceBuffer Candidates { get; }

    /// <summary>Rows of logits on the host; those that were not fetched hold what an earlier step left.</summary>
    public ReadOnlyMemory<float> Logits(int rows) => _logits.Memory[..(rows * _vocabularySize)];

    /// <summary>The tensor of a binding, over the memory that it lies in.</summary>
    public OrtValue View(TensorBinding tensor)
    {
        var buffer = tensor.Place switch
        {
            TensorPlace.Upload => _upload,
            TensorPlace.Host => Host,
            TensorPlace.Cache => _cache,
            TensorPlace.Download => _download,
            _ => _deviceLogits,
        };
        return buffer.View(tensor.Type, tensor.Offset, tensor.Bytes, [.. tensor.Shape]);
    }

    /// <summary>Queues the copy of a step's inputs.</summary>
    public void Upload(long bytes) => _memory.Upload(_upload.Address, Staging.Address, bytes);

    /// <summary>Queues the copy of a step's candidates; no row of its logits is fetched yet.</summary>
    public void Download(long bytes)
    {
        _memory.Download(Candidates.Address, _download.Address, bytes);
        Array.Clear(_fetched);
    }

    /// <summary>Whether a row of the last step's logits is on the host, or on its way.</summary>
    public bool IsFetched(int row) => _fetched[row];

    /// <summary>Queues the copy of neighbouring rows of logits.</summary>
    /// <param name="source">Where the first lies among the logits of the device, in bytes.</param>
    /// <param name="first">The first row, in the step's order.</param>
    /// <param name="count">Rows.</param>
    public void Fetch(long source, int first, int count)
    {
        var rowBytes = (long)_vocabularySize * sizeof(float);
        _memory.Download(_hostLogits.Address + (nint)(first * rowBytes), _deviceLogits.Address + (nint)source, count * rowBytes);
        Array.Fill(_fetched, true, first, count);
    }

    /// <summary>A row of logits on the host.</summary>
    public ReadOnlySpan<float> Row(int row) => _hostLogits.Span<float>((long)row * _vocabularySize * sizeof(float), _vocabularySize);

    /// <summary>Queues the copy of a block of the KV cache, ahead of the next step in the same stream: nobody has to wait.</summary>
    /// <param name="source">The block.</param>
    /// <param name="destination">Where to.</param>
    /// <param name="blocks">Blocks that there are.</param>
    public void CopyBlock(int source, int destination, int blocks)
    {
        foreach (var cache in _caches)
        {
            var bytes = cache.Bytes / blocks;
            var start = _cache.Address + (nint)cache.Offset;
            _memory.Copy(start + (nint)(destination * bytes), start + (nint)(source * bytes), bytes);
        }
    }

    public void Dispose()
    {
        foreach (var buffer in new[] { _cache, _upload, Staging, Host, _deviceLogits, _hostLogits, _download, Candidates })
            buffer.Dispose();
    }
}
