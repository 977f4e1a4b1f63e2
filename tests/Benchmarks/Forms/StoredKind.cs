namespace Parley.Benchmarks.Forms;

/// <summary>Forms that are written here.</summary>
internal enum StoredKind
{
    /// <summary>GPTQ, 4 bits, symmetric, groups of 64.</summary>
    Gptq,

    /// <summary>GPTQ, 4 bits with zero points, columns sorted by how much they weigh.</summary>
    GptqSorted,

    /// <summary>AWQ, groups of 64.</summary>
    Awq,

    /// <summary>compressed-tensors, 4 bits, groups of 32.</summary>
    CompressedInt4,

    /// <summary>compressed-tensors, 8 bits a channel.</summary>
    CompressedInt8,

    /// <summary>FP8, blocks of 128 × 128.</summary>
    Fp8,

    /// <summary>NVFP4.</summary>
    Nvfp4,

    /// <summary>bitsandbytes' nf4, blocks of 64.</summary>
    Nf4,

    /// <summary>MLX, 3 bits, groups of 64.</summary>
    Mlx3,

    /// <summary>MLX, 4 bits, groups of 64.</summary>
    Mlx4,

    /// <summary>MLX, 6 bits, groups of 64.</summary>
    Mlx6,
}
