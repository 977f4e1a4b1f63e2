using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Parley.Generator.Execution.Kernels.Adapters;

/// <summary>Upper halves of floats whose lower halves are zero: half the bytes, the same numbers.</summary>
internal readonly unsafe struct NarrowElement : IAdapterElement
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(byte* numbers, long index) =>
        (Vector256.WidenLower(Vector128.Load((ushort*)numbers + index).ToVector256Unsafe()) << 16).AsSingle();
}
