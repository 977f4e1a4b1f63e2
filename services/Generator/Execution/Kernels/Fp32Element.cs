using System.Runtime.CompilerServices;

namespace Parley.Generator.Execution.Kernels;

/// <summary>4 bytes, as computed.</summary>
internal readonly unsafe struct Fp32Element : ICacheElement
{
    public static int Bytes => sizeof(float);

    public static bool HasScales => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TVector, TOps>(byte* source)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => TOps.Load((float*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TVector, TOps>(byte* destination, TVector value)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => TOps.Store((float*)destination, value);
}
