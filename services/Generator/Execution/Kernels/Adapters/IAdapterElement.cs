using System.Runtime.Intrinsics;

namespace Parley.Generator.Execution.Kernels.Adapters;

/// <summary>How an adapter's numbers lie in memory.</summary>
internal unsafe interface IAdapterElement
{
    /// <summary>Eight numbers from the one with this index on.</summary>
    static abstract Vector256<float> Load(byte* numbers, long index);
}
