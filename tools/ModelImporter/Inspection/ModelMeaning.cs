using System.Globalization;
using Parley.ModelImporter.Architectures;

namespace Parley.ModelImporter.Inspection;

/// <summary>What a configuration makes of the mathematics, in words.</summary>
internal static class ModelMeaning
{
    /// <summary>One sentence for each part that the decoder has.</summary>
    public static IEnumerable<string> Describe(DecoderConfig config, DecoderWeights weights)
    {
        var shape = config.Shape;
        var heads = $"{shape.Layers} layers over {shape.HiddenSize} numbers; {shape.QueryHeads} query heads";
        yield return config.Latent is not { } latent
            ? $"{heads} share {shape.KeyValueHeads} key/value heads of {shape.HeadSize}"
            : $"{heads} of {shape.HeadSize} share a latent of {latent.Rank} numbers and {latent.RotarySize} that turn: "
                + $"{shape.KeySize + shape.ValueSize} in the cache of a token and layer, where keys and values of all heads would be "
                + $"{shape.QueryHeads * (latent.QuerySize + latent.ValueSize):N0}";
        foreach (var sentence in Heads(config).Concat(Windows(config)).Concat(Positions(config)).Concat(Attention(config)))
            yield return sentence;
        yield return Norms(config, weights.Layers[0]);
        if (weights.Layers.FirstOrDefault(layer => layer.Mlp is not MixtureWeights) is { } dense)
        {
            var which = config.Mixture is { } mixture ? $" of layers {Ranges(mixture.DenseLayers.Order())}" : "";
            yield return dense.Mlp is PlainMlpWeights
                ? $"the MLP{which} is {NameOf(config.Activation)}(up) without a gate, {shape.IntermediateSize} wide"
                : $"the MLP{which} is {NameOf(config.Activation)}(gate) · up, {shape.IntermediateSize} wide";
        }

        foreach (var sentence in MixtureMeaning.Describe(weights, shape))
            yield return sentence;
        foreach (var sentence in PerLayer(config, weights))
            yield return sentence;
        if (Factors(config) is { Length: > 0 } factors)
            yield return factors;
        var matrices = shape.TiedEmbeddings ? "are one matrix" : "are two matrices";
        yield return $"embedding and head {matrices} of {shape.VocabularySize:N0} tokens";
    }

    /// <summary>Layers whose heads, keys or values are not those of most.</summary>
    private static IEnumerable<string> Heads(DecoderConfig config)
    {
        var layers = config.Layers.Index().Select(layer => (layer.Index, layer.Item, Heads: config.KeyValueHeadsOf(layer.Index),
            Size: config.HeadSizeOf(layer.Index))).ToList();
        var shape = config.Shape;
        foreach (var group in layers.Where(layer => (layer.Heads, layer.Size) != (shape.KeyValueHeads, shape.HeadSize))
            .GroupBy(layer => (layer.Heads, layer.Size), layer => layer.Index))
            yield return $"layers {Ranges(group)} have {group.Key.Heads} key/value heads of {group.Key.Size}";
        if (layers.Where(layer => layer.Item.KeysAreValues).Select(layer => layer.Index).ToList() is { Count: > 0 } same)
            yield return $"values of layers {Ranges(same)} are their keys before norm and rotation";
        foreach (var group in layers.Where(layer => layer.Item.KeysOf is not null).GroupBy(layer => layer.Item.KeysOf))
        {
            var saved = group.Sum(layer => 2L * layer.Heads * layer.Size * sizeof(float));
            yield return $"layers {Ranges(group.Select(layer => layer.Index))} attend to the keys and values of layer {group.Key}, "
                + $"which saves {saved:N0} bytes of fp32 cache a token";
        }
    }

    private static IEnumerable<string> PerLayer(DecoderConfig config, DecoderWeights weights)
    {
        if (weights.PerLayer is { } own)
        {
            yield return $"each layer adds an embedding of its own, {config.PerLayer!.Width} wide, of a table of "
                + $"{(long)own.Table.Outputs * own.Table.Inputs:N0} numbers that is read by row and stays in the file";
        }

        if (config.DoubleLayers.Count > 0)
            yield return $"the MLP of layers {Ranges(config.DoubleLayers.Order())} is twice as wide";
        if (config.HasStreamScales)
            yield return "the stream is multiplied by a number of its own behind each layer";
    }

    private static IEnumerable<string> Windows(DecoderConfig config)
    {
        var windows = config.Layers.Index().GroupBy(entry => entry.Item.Window, entry => entry.Index).OrderBy(group => group.Key).ToList();
        if (windows is [{ Key: 0 }])
            yield return "every layer attends to everything before";
        else
        {
            foreach (var group in windows)
            {
                yield return group.Key == 0 ? $"layers {Ranges(group)} attend to everything before"
                    : $"layers {Ranges(group)} attend to the last {group.Key:N0} tokens";
            }
        }
    }

    private static IEnumerable<string> Positions(DecoderConfig config)
    {
        var kinds = config.Layers.Index().GroupBy(entry => entry.Item.Rotary, entry => entry.Index).ToList();
        foreach (var group in kinds)
        {
            var which = kinds.Count == 1 ? "positions" : $"positions of layers {Ranges(group)}";
            yield return $"{which}: "
                + (group.Key is { } rotary
                    ? Rotation(rotary, config.Latent?.RotarySize ?? config.HeadSizeOf(group.First())) : "none, nothing is rotated");
        }
    }

    private static string Rotation(RotarySettings rotary, int headSize)
    {
        var part = rotary.Dimensions is { } dimensions ? $"{dimensions} of {headSize} dimensions"
            : rotary.TurningPairs is { } pairs && 2 * pairs < headSize ? $"{pairs} of {headSize / 2} pairs of the whole head"
            : "the whole head";
        var neighbours = rotary.IsInterleaved ? "neighbours" : "halves";
        var text = $"{part} rotated by {neighbours}, base {rotary.Theta.ToString("N0", CultureInfo.InvariantCulture)}";
        var factor = rotary.Factor.ToString("0.###", CultureInfo.InvariantCulture);
        return rotary.Scaling switch
        {
            RotaryScaling.None => rotary.Divisors is null ? text : $"{text}, each pair divided by a factor of the file",
            RotaryScaling.Linear => $"{text}, all frequencies divided by {factor}",
            RotaryScaling.Llama3 => $"{text}, slow frequencies divided by {factor} (Llama 3, {rotary.OriginalContext:N0} tokens)",
            RotaryScaling.Yarn => $"{text}, yarn by {factor} beyond {rotary.OriginalContext:N0} tokens",
            RotaryScaling.LongRope => $"{text}, longrope: other frequencies for texts beyond {rotary.OriginalContext:N0} tokens",
            _ => $"{text}, dynamic: a larger base for prompts beyond {rotary.OriginalContext:N0} tokens",
        };
    }

    private static IEnumerable<string> Attention(DecoderConfig config)
    {
        var layer = config.Layers[0];
        if (Math.Abs((layer.Scale * Math.Sqrt(config.Shape.HeadSize)) - 1) > 1e-6)
        {
            yield return string.Create(
                CultureInfo.InvariantCulture, $"scores are scaled by {layer.Scale:0.#####}, not by 1/√{config.Shape.HeadSize}");
        }

        if (layer.Softcap != 0)
            yield return string.Create(CultureInfo.InvariantCulture, $"scores are capped softly at {layer.Softcap:0.###}");
        if (layer.HeadNorm is { } norm)
        {
            yield return norm.Kind switch
            {
                HeadNormKind.PerHead => "each query and key head is normalised before its rotation",
                HeadNormKind.PerHeadRotated => "each query and key head is normalised behind its rotation",
                HeadNormKind.Whole => "queries and keys are normalised as a whole before their rotation",
                _ => "each query and key head is normalised with weights of its own",
            };
        }

        if (layer.NormalizesValues)
            yield return "values are normalised without weights";
        if (layer.QueryBeta != 0)
        {
            yield return string.Create(CultureInfo.InvariantCulture,
                $"queries grow by {layer.QueryBeta:0.###} · ln(1 + position / {layer.QueryPositions})");
        }

        if (layer.HasSinks)
            yield return "each query head has a sink in its softmax";
        if (config.QkvClip != 0)
            yield return string.Create(CultureInfo.InvariantCulture, $"queries, keys and values are cut off at {config.QkvClip:0.###}");
    }

    private static string Norms(DecoderConfig config, DecoderLayerWeights layer)
    {
        var kind = (config.Norm.Kind == NormKind.Layer ? "LayerNorm" : "RMS norm") + (config.Norm.AddsOne ? " (1 + w)" : "")
            + (config.HasNormWeights ? "" : " without weights");
        var (before, after) = (layer.AttentionNorm is not null, layer.AttentionAfterNorm is not null);
        var place = config.IsParallel ? "once a layer: attention and MLP read the same, side by side"
            : before && after ? "before and behind attention and MLP"
            : before ? "before attention and MLP" : "behind attention and MLP alone";
        return $"{kind} {place}";
    }

    private static string Factors(DecoderConfig config)
    {
        var factors = new List<string>();
        Add("embeddings", config.EmbeddingScale);
        Add("what a layer adds", config.ResidualScale);
        Add("logits", config.LogitScale);
        if (config.LogitSoftcap != 0)
            factors.Add(string.Create(CultureInfo.InvariantCulture, $"logits capped softly at {config.LogitSoftcap:0.###}"));
        return string.Join("; ", factors);

        void Add(string what, double factor)
        {
            if (factor != 1)
                factors.Add(string.Create(CultureInfo.InvariantCulture, $"{what} × {factor:0.#####}"));
        }
    }

    private static string NameOf(Activation activation) => activation switch
    {
        Activation.Silu => "SiLU",
        Activation.GeluTanh => "GELU (tanh)",
        Activation.Gelu => "GELU",
        Activation.Relu => "ReLU",
        Activation.ReluSquared => "ReLU²",
        _ => "xIELU",
    };

    /// <summary>Ascending numbers as ranges: 0-2, 4.</summary>
    public static string Ranges(IEnumerable<int> numbers)
    {
        var ranges = new List<(int First, int Last)>();
        foreach (var number in numbers)
        {
            if (ranges.Count > 0 && ranges[^1].Last == number - 1)
                ranges[^1] = (ranges[^1].First, number);
            else
                ranges.Add((number, number));
        }

        return string.Join(", ", ranges.Select(range => range.First == range.Last ? $"{range.First}" : $"{range.First}-{range.Last}"));
    }
}
