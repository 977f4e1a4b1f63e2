using Parley.ModelHub.Naming;
using Parley.ModelHub.Protocol;
using Parley.ModelHub.Selection;

namespace Parley.ModelHub.Tests.Selection;

/// <summary>Which of a repository's files a name means.</summary>
public sealed class FileSelectionTests
{
    private static readonly string[] GgufRepository =
    [
        ".gitattributes", "README.md", "model-Q4_K_M.gguf", "model-Q8_0.gguf", "model-UD-Q4_K_XL.gguf", "model.iq4_xs.gguf",
        "mmproj-F16.gguf", "model-BF16/model-BF16-00002-of-00002.gguf", "model-BF16/model-BF16-00001-of-00002.gguf",
    ];

    [Theory]
    [InlineData("Q4_K_M", "model-Q4_K_M.gguf")]
    [InlineData("q4_k_m", "model-Q4_K_M.gguf")]
    [InlineData("UD-Q4_K_XL", "model-UD-Q4_K_XL.gguf")]
    [InlineData("IQ4_XS", "model.iq4_xs.gguf")]
    [InlineData("model-Q8_0.gguf", "model-Q8_0.gguf")]
    [InlineData("model-Q8_0", "model-Q8_0.gguf")]
    [InlineData("BF16", "model-BF16/model-BF16-00001-of-00002.gguf", "model-BF16/model-BF16-00002-of-00002.gguf")]
    public void Weights_OfAChoice_AreThatFileWhole(string variant, params string[] expected) =>
        Assert.Equal(expected, Weights("org/m:" + variant, GgufRepository).Select(file => file.Path));

    [Fact]
    public void Weights_WithoutAChoice_ListsWhatThereIs()
    {
        var failure = Assert.Throws<HubException>(() => Weights("org/m", GgufRepository, bytesMax: 1200));
        Assert.Contains("org/m:Q4_K_M", failure.Message, StringComparison.Ordinal);
        Assert.Contains("org/m:BF16", failure.Message, StringComparison.Ordinal);
        Assert.Contains("more than this machine's memory", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("mmproj", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_OfAChoiceThatIsNotThere_ListsWhatThereIs()
    {
        var failure = Assert.Throws<HubException>(() => Weights("org/m:Q2_K", GgufRepository));
        Assert.Contains("Q2_K", failure.Message, StringComparison.Ordinal);
        Assert.Contains("org/m:Q8_0", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_OfASplitFileWithAGap_Refuses()
    {
        var failure = Assert.Throws<HubException>(() => Weights("org/m:F16", ["m-F16-00001-of-00003.gguf", "m-F16-00003-of-00003.gguf"]));
        Assert.Contains("split into 3 files", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_OfTheOnlyGgufFile_NeedNoChoice() =>
        Assert.Equal(["m.gguf"], Weights("org/m", ["README.md", "m.gguf"]).Select(file => file.Path));

    [Fact]
    public void Weights_OfSafetensorsBesideGguf_AreTheSafetensors() =>
        Assert.Equal(["model.safetensors"], Weights("org/m", ["a.gguf", "b.gguf", "model.safetensors"]).Select(file => file.Path));

    [Theory]
    [InlineData("adapter_model.safetensors", "adapter")]
    [InlineData("pytorch_model-00001-of-00002.bin", "pickle")]
    [InlineData("README.md", "no model")]
    public void Weights_OfARepositoryWithoutAny_SaysWhatItHasInstead(string file, string expected) =>
        Assert.Contains(expected, Assert.Throws<HubException>(() => Weights("org/m", [file])).Message, StringComparison.Ordinal);

    [Fact]
    public void Weights_OfAnIndexWithAMissingShard_NamesIt()
    {
        var failure = Assert.Throws<HubException>(
            () => Weights("org/m", ["model.safetensors.index.json", "model-1.safetensors"], "model-1.safetensors", "model-2.safetensors"));
        Assert.Contains("model-2.safetensors", failure.Message, StringComparison.Ordinal);
    }

    private static IReadOnlyList<HubFile> Weights(string name, string[] paths, params string[] shards) =>
        Weights(name, paths, long.MaxValue, shards);

    private static IReadOnlyList<HubFile> Weights(string name, string[] paths, long bytesMax, params string[] shards) =>
        FileSelection.Weights(ModelReference.Parse(name),
            [.. paths.Select(path => new HubFile(path, 1000, new string('0', 40), null))], _ => shards, bytesMax);
}
