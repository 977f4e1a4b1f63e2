using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Parley.Generator.Execution.Kernels;

/// <summary>Asks for memory that will be read soon.</summary>
internal static unsafe class Prefetch
{
    /// <summary>
    /// Fetches the cache line of an address, which need not be valid. The blocks of a sequence lie anywhere and are small, so the
    /// processor does
    /// not see by itself where reading goes on.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Line(byte* address)
    {
        if (Sse.IsSupported)
            Sse.Prefetch0(address);
    }
}
