namespace Parley.Generator.Execution.Kernels;

/// <summary>How keys and values lie in the cache.</summary>
internal enum KvCachePrecision
{
    /// <summary>As they were computed: 4 bytes each.</summary>
    Fp32,

    /// <summary>
    /// 2 bytes: half precision without subnormals, infinities and NaN, so up to 131,008. Off by at most 2⁻¹¹ of the number, or 2⁻¹⁵
    /// where it is
    /// below 2⁻¹⁴.
    /// </summary>
    Fp16,

    /// <summary>1 byte, and 4 for a scale per token and head: off by at most 1/254 of the largest of the head's numbers.</summary>
    Int8,
}
