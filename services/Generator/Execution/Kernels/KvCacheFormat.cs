using Microsoft.ML.OnnxRuntime.Tensors;
using Parley.PackageFormat;

namespace Parley.Generator.Execution.Kernels;

/// <summary>How each precision of the cache looks to ONNX Runtime: a tensor's type and its last dimension.</summary>
internal static class KvCacheFormat
{
    /// <summary>The type of the tensors' elements.</summary>
    public static TensorElementType ElementType(KvCachePrecision precision) => precision switch
    {
        KvCachePrecision.Fp32 => TensorElementType.Float,
        KvCachePrecision.Fp16 => TensorElementType.Float16,
        KvCachePrecision.Int8 => TensorElementType.Int8,
        _ => throw new ArgumentOutOfRangeException(nameof(precision), precision, "No such precision."),
    };

    /// <exception cref="InvalidDataException">No cache has elements of this type.</exception>
    public static KvCachePrecision PrecisionOf(TensorElementType type) => type switch
    {
        TensorElementType.Float => KvCachePrecision.Fp32,
        TensorElementType.Float16 => KvCachePrecision.Fp16,
        TensorElementType.Int8 => KvCachePrecision.Int8,
        _ => throw new InvalidDataException($"a cache of {type} is none of float32, float16 and int8"),
    };

    public static int ElementBytes(KvCachePrecision precision) => precision switch
    {
        KvCachePrecision.Fp32 => sizeof(float),
        KvCachePrecision.Fp16 => sizeof(short),
        _ => sizeof(sbyte),
    };

    /// <summary>Elements that a token and head has besides its numbers: those whose bytes hold the scale.</summary>
    public static int ScaleElements(KvCachePrecision precision) => precision == KvCachePrecision.Int8 ? sizeof(float) : 0;

    /// <summary>Bytes of keys and values that one token adds over all layers.</summary>
    public static int TokenBytes(KvCachePrecision precision, ModelShape shape) =>
        shape.CachedHeads().Sum(heads =>
            heads.KeyValueHeads * (HeadBytes(precision, heads.KeySize) + HeadBytes(precision, heads.ValueSize)));

    /// <summary>Bytes of the keys, or of the values, of one token and head.</summary>
    public static int HeadBytes(KvCachePrecision precision, int headSize) =>
        (headSize + ScaleElements(precision)) * ElementBytes(precision);
}
