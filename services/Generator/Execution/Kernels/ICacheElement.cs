namespace Parley.Generator.Execution.Kernels;

/// <summary>A number of the cache, and how vectors of it are read and written.</summary>
internal unsafe interface ICacheElement
{
    /// <summary>Bytes of one.</summary>
    static abstract int Bytes { get; }

    /// <summary>Whether the numbers of a token and head have a float32 scale; it lies behind the block's numbers.</summary>
    static abstract bool HasScales { get; }

    /// <summary>Reads a vector; without the scale, which is the same for all of a score's terms and so is applied to the score.</summary>
    static abstract TVector Load<TVector, TOps>(byte* source)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>;

    /// <summary>Rounds and writes a vector that is divided by its scale.</summary>
    static abstract void Store<TVector, TOps>(byte* destination, TVector value)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>;
}
