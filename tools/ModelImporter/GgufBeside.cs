using System.Globalization;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Gguf;
using Parley.ModelImporter.Graph;

namespace Parley.ModelImporter;

/// <summary>
/// What a GGUF file and a <c>config.json</c> beside it say together. The latter is the model's own and wins; but GGUF repositories often
/// have one that holds little more than the model's type, and then the file's metadata say the rest.
/// </summary>
internal static class GgufBeside
{
    /// <summary>The field that says which tokens end an answer.</summary>
    public const string Ends = "eos_token_id";

    private const double FrequencyDifferenceMax = 1e-4;

    /// <summary>The configuration of both.</summary>
    /// <param name="gguf">What the metadata say.</param>
    /// <param name="beside">The <c>config.json</c>; null where there is none.</param>
    /// <param name="path">The GGUF file, for messages.</param>
    /// <exception cref="InvalidDataException">What <paramref name="beside"/> does not say is missing in the metadata, too.</exception>
    public static ConfigFile Merge(GgufConfiguration gguf, ConfigFile? beside, string path) => beside is null
        ? ConfigFile.Parse(path, gguf.ToJson())
        : beside.With(gguf.Fields(beside.Names));

    /// <summary>Refuses a configuration whose sizes are not those of the file: only one of them can be the model's.</summary>
    /// <exception cref="InvalidDataException">One is another; the message names the field in both.</exception>
    public static void CheckSizes(DecoderConfig config, GgufConfiguration gguf, ConfigFile? beside, string path)
    {
        var shape = config.Shape;
        foreach (var (field, value) in beside is null ? [] : gguf.StatedSizes())
        {
            long said = field switch
            {
                "num_hidden_layers" => shape.Layers,
                "hidden_size" => shape.HiddenSize,
                "intermediate_size" => shape.IntermediateSize,
                "num_attention_heads" => shape.QueryHeads,
                "num_key_value_heads" => shape.KeyValueHeads,
                "head_dim" => shape.HeadSize,
                _ => shape.VocabularySize,
            };
            if (said != value)
            {
                throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture,
                    $"{beside!.Path}: {field} is {said}, but {path} says {value}; the two are not of one model."));
            }
        }
    }

    /// <summary>The configuration with what only the file knows, and notes of what is open or said in two ways.</summary>
    /// <exception cref="InvalidDataException">As <see cref="CheckSizes"/>.</exception>
    public static DecoderConfig Complete(DecoderConfig config, GgufFile file, ConfigFile? beside)
    {
        var gguf = file.Configuration;
        CheckSizes(config, gguf, beside, file.Path);
        var statesScaling = beside is not null && (beside.Names("rope_scaling") || beside.Names("rope_parameters"));
        if (!statesScaling)
            config = config.WithRotary(rotary => rotary with { Divisors = gguf.RotaryFactors });
        // A file without sizes was not made for this model, and its silence means nothing.
        var isWhole = beside is not null && beside.Names("hidden_size") && beside.Names("num_hidden_layers");
        return config with
        {
            Notes =
            [
                .. config.Notes,
                .. isWhole ? [] : gguf.Notes,
                .. beside is null ? [] : Differences(config, gguf, Path.GetFileName(file.Path)),
            ],
        };
    }

    private static IEnumerable<string> Differences(DecoderConfig config, GgufConfiguration gguf, string name)
    {
        if (gguf.NormEpsilon is { } epsilon && (float)epsilon != config.Norm.Epsilon)
        {
            var field = gguf.Family.Epsilon.Field ?? "the norms' epsilon";
            yield return string.Create(CultureInfo.InvariantCulture,
                $"{field} is {config.Norm.Epsilon} in config.json, and {(float)epsilon} in {name}: the former is used.");
        }

        // Of layers with frequencies of their own the metadata say too little to compare.
        if (config.Rotary is not { DependsOnLength: false } rotary || config.Layers.Any(layer => layer.Rotary != rotary)
            || gguf.Frequencies() is not var (theta, factor))
        {
            yield break;
        }

        var headSize = config.Latent?.RotarySize ?? config.Shape.HeadSize;
        var own = new RotarySettings(theta, RotaryScaling.Linear, factor) { Dimensions = rotary.Dimensions };
        if (gguf.RotaryFactors is { } divisors && divisors.Count == rotary.Pairs(headSize))
            own = own with { Divisors = divisors };
        var (used, other) = (RotaryTables.InverseFrequencies(rotary, headSize), RotaryTables.InverseFrequencies(own, headSize));
        if (used.Zip(other).Any(pair => Math.Abs(pair.First - pair.Second) > FrequencyDifferenceMax * pair.First))
        {
            yield return "the frequencies of positions (rope_theta, rope_scaling) that config.json gives are others than those of "
                + $"{name}: the former are used.";
        }
    }
}
