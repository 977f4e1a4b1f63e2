using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Adapters;

/// <summary>What an adapter does to one module.</summary>
/// <param name="Module">Its name in the adapter, without the wrapper's prefix: <c>model.layers.0.self_attn.q_proj</c>.</param>
internal sealed record ModuleChange(string Module)
{
    /// <summary>What is added to its weight; null for nothing.</summary>
    public LowRankProduct? Product { get; init; }

    /// <summary>Lengths of the rows of the sum (DoRA); null leaves them.</summary>
    public TensorSource? Magnitude { get; init; }

    /// <summary>What is added to its bias, before the scaling; null for nothing.</summary>
    public TensorSource? BiasUpdate { get; init; }

    /// <summary>A weight in the place of the base's, below any <see cref="Product"/>; null keeps that.</summary>
    public TensorSource? Weight { get; init; }

    /// <summary>A bias in the place of the base's; null keeps that.</summary>
    public TensorSource? Bias { get; init; }
}
