using System.Globalization;
using Parley.ModelImporter.Architectures;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Inspection;

/// <summary>What a mixture of experts does, and what a token reads of it, in words.</summary>
internal static class MixtureMeaning
{
    /// <summary>Bytes of a weight in each precision: 4 bits have a scale and a minimum for each 32, 8 bits a scale.</summary>
    private static readonly (string Precision, double Bytes)[] Precisions = [("fp32", 4), ("int8", 1.0625), ("int4", 0.625)];

    /// <summary>One sentence each; none for a decoder without.</summary>
    public static IEnumerable<string> Describe(DecoderWeights weights, ModelShape shape)
    {
        var mixtures = weights.Mixtures.ToList();
        if (mixtures is not [var mixture, ..])
            yield break;
        var settings = mixture.Settings;
        var sparse = weights.Layers.Index().Where(entry => entry.Item.Mlp is MixtureWeights).Select(entry => entry.Index);
        var layers = ModelMeaning.Ranges(sparse);
        yield return $"layers {layers} have {settings.Experts} experts, of which a token goes through {settings.Chosen}; each is "
            + (settings.IsClamped
                ? string.Create(CultureInfo.InvariantCulture,
                    $"gate · sigmoid({settings.Alpha:0.###} · gate) · (up + 1), both cut off at {settings.Limit:0.###}")
                : "SiLU(gate) · up")
            + $", {settings.Width} wide";
        yield return Router(settings);
        if (settings.SharedWidth > 0)
            yield return $"beside the experts every token goes through an MLP of {settings.SharedWidth}";
        var read = ReadPerToken(weights, shape);
        yield return $"a token reads {read:N0} of the {weights.Parameters(shape):N0} weights: "
            + string.Join(", ", Precisions.Select(entry => $"{read * entry.Bytes / 1e6:N1} MB of {entry.Precision}"))
            + ", beside its part of the cache";
    }

    /// <summary>Weights that one token reads: all but the experts that it does not go through, and of the embedding one row.</summary>
    public static long ReadPerToken(DecoderWeights weights, ModelShape shape) =>
        weights.Parameters(shape)
        - weights.Mixtures.Sum(mixture => (mixture.Settings.Experts - mixture.Settings.Chosen) * mixture.ExpertWeights)
        - (shape.TiedEmbeddings ? 0 : (shape.VocabularySize - 1L) * shape.HiddenSize);

    private static string Router(MixtureSettings settings)
    {
        var text = settings.Scoring switch
        {
            RouterScoring.SoftmaxOfAll => "the router takes the best of a softmax over all experts",
            RouterScoring.SoftmaxOfChosen => "the router takes the best logits, and the softmax over them",
            _ => "the router takes the best sigmoids",
        };
        if (settings.HasCorrection)
            text += ", with a correction for the choice alone";
        if (settings.Groups > 1)
            text += $", from the best {settings.GroupsChosen} of {settings.Groups} groups";
        if (settings.Normalizes)
            text += ", divided by their sum";
        return settings.Scale == 1 ? text : string.Create(CultureInfo.InvariantCulture, $"{text}, × {settings.Scale:0.###}");
    }
}
