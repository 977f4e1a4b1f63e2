using System.Runtime.CompilerServices;

namespace Parley.Generator.Execution.Kernels;

/// <summary>1 byte and a scale per token and head.</summary>
internal readonly unsafe struct Int8Element : ICacheElement
{
    public static int Bytes => sizeof(sbyte);

    public static bool HasScales => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TVector, TOps>(byte* source)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => TOps.LoadInt8((sbyte*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TVector, TOps>(byte* destination, TVector value)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => TOps.StoreInt8((sbyte*)destination, TOps.Round(value));
}
