using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Parley.Generator.Execution.Kernels.Adapters;

/// <summary>Floats.</summary>
internal readonly unsafe struct WideElement : IAdapterElement
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(byte* numbers, long index) => Vector256.Load((float*)numbers + index);
}
