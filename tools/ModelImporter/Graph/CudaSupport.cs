using Parley.ModelImporter.Architectures;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Graph;

/// <summary>What a decoder needs that ONNX Runtime's attention operators for CUDA do not have.</summary>
internal static class CudaSupport
{
    /// <summary>Pairs that turn come in multiples of this.</summary>
    private const int PairsMultiple = 8;

    /// <summary>The first thing that is missing, with the operator that misses it; null for nothing.</summary>
    /// <param name="config">The decoder.</param>
    /// <param name="attention">One of <see cref="GraphTarget"/>'s kinds.</param>
    /// <param name="positions">Longest sequence.</param>
    public static string? Missing(DecoderConfig config, string attention, int positions)
    {
        var name = attention == GraphTarget.Paged ? "PagedAttention" : "GroupQueryAttention";
        var missing = config.Layers.Select(layer => Missing(layer, config.Shape.HeadSize, positions)).OfType<string>().FirstOrDefault();
        // Nothing runs them in the rehearsal, so nothing would say whether the choice is that of the model.
        return missing is not null ? $"{name} has no {missing}"
            : config.Mixture is not null ? "MoE and QMoE are operators that this importer does not write" : null;
    }

    private static string? Missing(LayerAttention layer, int headSize, int positions)
    {
        if (layer.Rotary is { } rotary && PositionRules.DependsOnLength(rotary, positions))
            return $"positions that depend on the length of a text ({(rotary.Scaling == RotaryScaling.Dynamic ? "dynamic" : "longrope")} "
                + $"beyond {rotary.OriginalContext} tokens)";
        if (layer.Rotary is { Dimensions: not null } part && part.Pairs(headSize) % PairsMultiple != 0)
            return $"rotation of {part.Dimensions} dimensions, no multiple of {2 * PairsMultiple}";
        if (layer.HeadNorm is { Kind: HeadNormKind.PerHeadRotated })
            return "norms of queries and keys behind the rotation";
        if (layer.QueryBeta != 0)
            return "scaling of queries by position";
        return layer.HasSinks ? "sinks that this importer writes" : null;
    }
}
