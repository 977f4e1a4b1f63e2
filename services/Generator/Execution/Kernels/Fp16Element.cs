using System.Runtime.CompilerServices;

namespace Parley.Generator.Execution.Kernels;

/// <summary>2 bytes, see <see cref="KvCachePrecision.Fp16"/>.</summary>
internal readonly unsafe struct Fp16Element : ICacheElement
{
    public static int Bytes => sizeof(short);

    public static bool HasScales => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TVector, TOps>(byte* source)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => TOps.LoadHalf((short*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TVector, TOps>(byte* destination, TVector value)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => TOps.StoreHalf((short*)destination, value);
}
