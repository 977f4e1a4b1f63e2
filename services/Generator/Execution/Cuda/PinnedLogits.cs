using System.Buffers;

namespace Parley.Generator.Execution.Cuda;

/// <summary>Logits in pinned memory, as memory of the host.</summary>
internal sealed class PinnedLogits(DeviceBuffer buffer) : MemoryManager<float>
{
    public override Span<float> GetSpan() => buffer.Span<float>(0, checked((int)(buffer.Bytes / sizeof(float))));

    public override unsafe MemoryHandle Pin(int elementIndex = 0) =>
        new(System.Runtime.CompilerServices.Unsafe.AsPointer(ref GetSpan()[elementIndex]));

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
