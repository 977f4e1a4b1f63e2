using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Parley.Generator.Execution.Kernels.Adapters;

/// <summary>Floats.</summary>
internal readonly unsafe struct WideElement : IAdapterElement
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(byte* numbers, long index) => Vector512.Load((float*)numbers + index);
}
