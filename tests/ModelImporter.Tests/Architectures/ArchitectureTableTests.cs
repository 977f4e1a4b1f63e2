using System.Text.Json.Nodes;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Gguf;
using Parley.ModelImporter.Graph;
using Parley.PackageFormat;
using Parley.TestSupport;

namespace Parley.ModelImporter.Tests.Architectures;

/// <summary>docs/architectures.md says of each family what the code does: keys honoured, without effect, refused; CUDA; GGUF.</summary>
public sealed class ArchitectureTableTests
{
    /// <summary>Longest sequence of a package unless told otherwise.</summary>
    private const int Positions = 8192;

    private static readonly string[] Lines = File.ReadAllLines(Path.Combine(Shared.RepositoryRoot, "docs", "architectures.md"));

    [Fact]
    public void Table_OfFamilies_IsWhatTheCodeDoes()
    {
        var rows = CheckpointReader.Known.Cast<DecoderArchitecture>().Select(Row).ToList();

        var missing = rows.Except(Lines).ToList();
        Assert.True(missing.Count == 0, "docs/architectures.md lacks:\n" + string.Join('\n', missing));
        Assert.Equal(rows.Count, Lines.Count(line => line.Contains("ForCausalLM |", StringComparison.Ordinal)));
    }

    [Fact]
    public void Lists_OfKeysThatAllFamiliesShare_AreThoseOfTheCode()
    {
        var common = CheckpointReader.Known.Select(Asked).Aggregate((one, other) => [.. one.Intersect(other)]);
        var refused = CommonFields.Refused.Select(entry => entry.Field).Append("is_causal").ToList();

        AssertListed("Honoured by every family: ", common);
        AssertListed("Refused where they are set: ", refused);
        AssertListed("Without effect on an answer: ", CommonFields.Neutral);
    }

    /// <summary>What a family says has no effect is taken without a word.</summary>
    [Fact]
    public void Keys_WithoutEffect_AreAcceptedSilently()
    {
        foreach (var family in CheckpointReader.Known.Cast<DecoderArchitecture>())
        {
            var config = Minimal(family);
            foreach (var key in family.Silent.Concat(CommonFields.Neutral).Where(key => key != "model_type"))
                config[key] = 7;
            Assert.Empty(family.ReadConfig(ConfigFile.Parse("config.json", config.ToJsonString())).Notes);
        }
    }

    private static void AssertListed(string beginning, IEnumerable<string> keys)
    {
        var line = Lines.SingleOrDefault(line => line.StartsWith(beginning, StringComparison.Ordinal)) ?? "";
        var expected = beginning + string.Join(", ", keys.Order(StringComparer.Ordinal).Select(key => $"`{key}`")) + ".";
        Assert.True(line == expected, $"docs/architectures.md should say:\n{expected}");
    }

    private static string Row(DecoderArchitecture family)
    {
        var common = CheckpointReader.Known.Select(Asked).Aggregate((one, other) => [.. one.Intersect(other)]);
        var own = Asked(family).Except(common).Order(StringComparer.Ordinal);
        var config = family.ReadConfig(ConfigFile.Parse("config.json", Minimal(family).ToJsonString()));
        var gguf = GgufConfiguration.Known.FirstOrDefault(known => known.ModelTypes.Contains(family.ModelType))?.Architecture;
        return $"| `{family.ModelType}` | {family.Name} | {Keys(own)} | {Keys(family.Silent)} | {Cuda(config, GraphTarget.Paged)} | "
            + $"{Cuda(config, GraphTarget.GroupQuery)} | {(gguf is null ? "–" : $"`{gguf}`")} |";
    }

    private static string Cuda(DecoderConfig config, string attention) =>
        CudaSupport.Missing(config, attention, Positions) is { } missing ? $"refused: {missing}" : "runs";

    private static string Keys(IEnumerable<string> keys) =>
        keys.ToList() is { Count: > 0 } list ? string.Join(", ", list.Select(key => $"`{key}`")) : "–";

    private static IReadOnlyList<string> Asked(IArchitecture family)
    {
        var file = ConfigFile.Parse("config.json", Minimal(family).ToJsonString());
        _ = family.ReadConfig(file);
        return [.. file.Honoured];
    }

    /// <summary>
    /// Nothing but the type: every other key has the default of transformers' class. GLM-4-MoE's is no size of a head, LFM2's no type of a
    /// layer, or attention alone, Granite 4's no layer of attention, and DeepSeek-V2's no number of experts.
    /// </summary>
    private static JsonObject Minimal(IArchitecture family)
    {
        var config = new JsonObject { ["model_type"] = family.ModelType };
        if (family.ModelType == "glm4_moe")
            config["head_dim"] = 128;
        if (family.ModelType == "granitemoehybrid")
            config["layer_types"] = new JsonArray([.. Enumerable.Range(1, 32).Select(i => (JsonNode)(i % 8 == 0 ? "attention" : "mamba"))]);
        if (family.ModelType == "deepseek_v2")
            config["num_experts_per_tok"] = 6;
        if (family.ModelType is "lfm2" or "lfm2_moe")
        {
            config["layer_types"] = new JsonArray(
                [.. Enumerable.Range(0, 32).Select(layer => (JsonNode)(layer % 4 == 2 ? "full_attention" : "conv"))]);
        }

        return config;
    }
}
