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

    private static readonly string[] FolderRepository =
    [
        "Q4_K_M/model.gguf", "Q8_0/model.gguf", "gguf/UD-Q8_K_XL/m-00002-of-00002.gguf", "gguf/UD-Q8_K_XL/m-00001-of-00002.gguf",
        "a-IQ2_M.gguf", "b-IQ2_M.gguf", "b-F16.gguf", "x/b-F16.gguf",
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

    /// <summary>A split file that is not whole is no reason to refuse the others; the listing says what it lacks.</summary>
    [Fact]
    public void Weights_BesideASplitFileWithAGap_AreThoseChosen()
    {
        string[] files = ["m-Q8_0.gguf", "m-F16-00001-of-00003.gguf"];
        Assert.Equal(["m-Q8_0.gguf"], Weights("org/m:Q8_0", files).Select(file => file.Path));
        Assert.Contains("1 of its 3 files", Assert.Throws<HubException>(() => Weights("org/m", files)).Message, StringComparison.Ordinal);
    }

    /// <summary>The kind may stand in a folder's name; where several files have one kind their names choose, else their places.</summary>
    [Theory]
    [InlineData("Q4_K_M", "Q4_K_M/model.gguf")]
    [InlineData("Q4_K_M/model.gguf", "Q4_K_M/model.gguf")]
    [InlineData("UD-Q8_K_XL", "gguf/UD-Q8_K_XL/m-00001-of-00002.gguf", "gguf/UD-Q8_K_XL/m-00002-of-00002.gguf")]
    [InlineData("a-IQ2_M", "a-IQ2_M.gguf")]
    [InlineData("x/b-F16.gguf", "x/b-F16.gguf")]
    [InlineData("b-F16.gguf", "b-F16.gguf")]
    public void Weights_OfAChoiceInAFolder_AreItsFiles(string variant, params string[] expected) =>
        Assert.Equal(expected, Weights("org/m:" + variant, FolderRepository).Select(file => file.Path));

    /// <summary>What the listing prints can be typed, and means what it stands beside.</summary>
    [Fact]
    public void Choices_OfARepository_AreEachReachedByTheirSpelling()
    {
        var files = FolderRepository.Select(path => new HubFile(path, 1000, new string('0', 40), null)).ToList();
        foreach (var choice in FileSelection.Choices(files))
            Assert.Equal(choice.Files, FileSelection.Choose(ModelReference.Parse("org/m:" + choice.Variant), files, 0).Files);
        Assert.Contains("several", Assert.Throws<HubException>(() => Weights("org/m:IQ2_M", FolderRepository)).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Q4_K_M/model.gguf", "Q4_K_M/config.json", "Q4_K_M/tokenizer.json", "Q4_K_M/response_template.json",
        "Q4_K_M/additional_chat_templates/a.jinja")]
    [InlineData("model.gguf")]
    public void Descriptions_BesideAFile_AreThoseOfItsFolder(string gguf, params string[] expected)
    {
        string[] paths =
        [
            "config.json", "tokenizer.json", "model.gguf", "Q4_K_M/model.gguf", "Q4_K_M/README.md", "Q4_K_M/config.json",
            "Q4_K_M/tokenizer.json", "Q4_K_M/response_template.json", "Q4_K_M/additional_chat_templates/a.jinja",
            "Q8_0/config.json", "Q4_K_M/model.safetensors.index.json",
        ];
        HubFile[] files = [.. paths.Select(path => new HubFile(path, 1000, new string('0', 40), null))];
        Assert.Equal(expected, FileSelection.Descriptions(files, files.Single(file => file.Path == gguf)).Select(file => file.Path)
            .OrderBy(path => Array.IndexOf(expected, path)));
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
