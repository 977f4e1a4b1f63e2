using System.Globalization;
using System.Text.Json.Nodes;
using Parley.ModelImporter.Gguf.Metadata;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>Apertus. The numbers of xIELU, tensors elsewhere, are lists among the metadata.</summary>
internal sealed class ApertusGguf : GgufFamily
{
    public override string Architecture => "apertus";

    public override IReadOnlyList<string> ModelTypes { get; } = ["apertus"];

    public override double ClassBase => 12_000_000;

    public override IReadOnlyDictionary<string, string> Modules { get; } =
        With(("attn_norm", "attention_layernorm"), ("ffn_norm", "feedforward_layernorm"));

    /// <summary>Whether each is a list of one in the checkpoint.</summary>
    private static readonly (string Name, bool HasDimension)[] XIelu =
        [("alpha_p", true), ("alpha_n", true), ("beta", false), ("eps", false)];

    public override void Complete(GgufSource source, JsonObject config)
    {
        GgufSource.SetType(config, "ApertusForCausalLM", "apertus");
        config["attention_bias"] = source.HasBias("attn_q");
        config.Remove("rope_theta");
        var scaling = source.Scaling("yarn");
        // Without a word of positions the class has some of its own, as has the checkpoint that such a file was made of.
        if (scaling is null && source.Keys.Value("rope.freq_base") is null)
            return;
        var positions = scaling ?? new JsonObject { ["rope_type"] = "default" };
        positions["rope_theta"] = source.Keys.Number("rope.freq_base", ClassBase);
        config["rope_parameters"] = positions;
    }

    public override IEnumerable<GgufNumber> Numbers(IReadOnlyDictionary<string, object> metadata, int layers, string path)
    {
        foreach (var (name, hasDimension) in XIelu)
        {
            var key = $"xielu.{name}";
            var numbers = metadata.GetValueOrDefault(key) as GgufList is { Reals: var reals } ? reals : [];
            if (numbers.Count < layers || !numbers.Take(layers).All(double.IsFinite))
            {
                throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture,
                    $"{path}: {key} is {(numbers.Count == 0 ? "missing or no list of numbers" : $"a list of {numbers.Count}")}, not "
                    + $"{layers} finite numbers, one for each layer."));
            }

            for (var layer = 0; layer < layers; layer++)
            {
                yield return new GgufNumber(
                    $"model.layers.{layer}.mlp.act_fn.{name}", hasDimension, key, (float)numbers[layer]);
            }
        }
    }
}
