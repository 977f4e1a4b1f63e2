using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Quantization;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Graph;

/// <summary>What a decoder needs that ONNX Runtime's attention operators for CUDA do not have.</summary>
internal static class CudaSupport
{
    /// <summary>Pairs that turn come in multiples of this.</summary>
    private const int PairsMultiple = 8;

    /// <summary>MoE's kernels read 16 bytes at a time.</summary>
    private const int WidthMultiple = 8;

    /// <summary>The first thing that is missing, with the operator that misses it; null for nothing.</summary>
    /// <param name="config">The decoder.</param>
    /// <param name="attention">One of <see cref="GraphTarget"/>'s kinds.</param>
    /// <param name="positions">Longest sequence.</param>
    /// <param name="isInt4">Linears are of 4 bits.</param>
    public static string? Missing(DecoderConfig config, string attention, int positions, bool isInt4 = false)
    {
        var name = attention == GraphTarget.Paged ? "PagedAttention" : "GroupQueryAttention";
        if (config.Latent is not null)
            return $"{name} has no cache of latents";
        if (config.Layers.FirstOrDefault(layer => layer.Recurrence is not null)?.Recurrence is { } recurrence)
            return $"ONNX Runtime has no operator for layers with a state of a fixed size ({recurrence.GetType().Name})";
        if (config.Layers.Any(layer => layer.HasHeadGate))
            return $"{name} has no gates of heads";
        var missing = config.Layers.Select(layer => Missing(layer, config.Shape.HeadSize, positions)).OfType<string>().FirstOrDefault();
        return missing is not null ? $"{name} has no {missing}" : config.Mixture is { } mixture
            ? Missing(mixture, config.Shape.HiddenSize, isInt4) : null;
    }

    private static string? Missing(MixtureSettings mixture, int hidden, bool isInt4)
    {
        var name = isInt4 ? "QMoE" : "MoE";
        if (mixture.Groups > 1)
            return $"{name} has no groups of experts";
        // QMoE takes weights beside what it chooses by.
        if (!isInt4 && (mixture.Scoring == RouterScoring.Sigmoid || mixture.HasCorrection))
            return "MoE has no sigmoid and no correction of the choice (int4-fp16 has QMoE)";
        var width = mixture.Width;
        if (isInt4 && QMoeExperts.BlockFor(hidden, width, int.MaxValue) is null)
            return $"QMoE has no blocks with zero points that divide both {hidden} and {width}; it has them from {QMoeExperts.BlockMin} on";
        return width % WidthMultiple != 0 ? $"{name} has no experts of a width of {width}, no multiple of {WidthMultiple}" : null;
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
        if (layer.KeysOf is not null)
            return "keys and values of another layer";
        if (layer.NormalizesValues || layer.KeysAreValues)
            return "norms of values";
        if (layer.HeadSize is { } own && own != headSize)
            return $"layers of unlike heads ({own} and {headSize} numbers)";
        return layer.QueryBeta != 0 ? "scaling of queries by position" : null;
    }
}
