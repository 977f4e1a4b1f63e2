using System.Buffers;
using System.Runtime.CompilerServices;

namespace Parley.Generator.Execution;

/// <summary>Logits in native memory, as memory of the host. Their owner answers for their life.</summary>
/// <param name="logits">All of them; throws once their owner is disposed.</param>
internal sealed class LogitsMemory(Func<Span<float>> logits) : MemoryManager<float>
{
    public override Span<float> GetSpan() => logits();

    // Native memory does not move.
    public override unsafe MemoryHandle Pin(int elementIndex = 0) => new(Unsafe.AsPointer(ref logits()[elementIndex]));

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
