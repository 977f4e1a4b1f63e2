using Parley.PackageFormat;

namespace Parley.ModelImporter.Tests;

/// <summary>Embedding and head: what the tensors say decides where config.json says tied (transformers 5.23, <c>tie_weights</c>).</summary>
public sealed class HeadTyingTests
{
    private const string Embedding = "model.embed_tokens.weight";
    private const string Head = "lm_head.weight";

    public static TheoryData<string> Precisions { get; } = [.. ModelImport.Precisions];

    [Theory]
    [MemberData(nameof(Precisions))]
    public void Import_TiedInConfigWithAHeadOfItsOwn_UsesBoth(string precision)
    {
        using var folder = new TemporaryFolder();
        var tied = new CheckpointCopy(folder, Fixture.TiedLlama3Rope, "tied").Rename(Embedding, Head, keep: true, reverse: true);
        var untied = new CheckpointCopy(folder, Fixture.TiedLlama3Rope, "untied").Set("tie_word_embeddings", "false")
            .Rename(Embedding, Head, keep: true, reverse: true);

        var result = Import(folder, tied, "a", precision);
        Import(folder, untied, "b", precision);

        AssertSame(folder, "a", "b");
        Assert.Contains(result.Notes, note => note.Contains(Head, StringComparison.Ordinal));
        Assert.False(ModelManifest.Parse(File.ReadAllText(folder.File("a/parley.json")), "").Shape.TiedEmbeddings);
    }

    [Theory]
    [MemberData(nameof(Precisions))]
    public void Import_TiedInConfigWithTheSameHead_IsTied(string precision)
    {
        using var folder = new TemporaryFolder();
        var both = new CheckpointCopy(folder, Fixture.TiedLlama3Rope).Rename(Embedding, Head, keep: true);

        var result = Import(folder, both, "a", precision);
        Import(folder, new CheckpointCopy(folder, Fixture.TiedLlama3Rope, "plain"), "b", precision);

        AssertSame(folder, "a", "b");
        Assert.Empty(result.Notes);
    }

    [Fact]
    public void Import_TiedInConfigWithTheHeadAlone_IsTied()
    {
        using var folder = new TemporaryFolder();

        Import(folder, new CheckpointCopy(folder, Fixture.TiedLlama3Rope).Rename(Embedding, Head), "a", "int4");
        Import(folder, new CheckpointCopy(folder, Fixture.TiedLlama3Rope, "plain"), "b", "int4");

        AssertSame(folder, "a", "b");
    }

    [Theory]
    [InlineData("false")]
    [InlineData(null)]
    public void Import_UntiedWithoutAHead_NamesTheTensor(string? tied)
    {
        using var folder = new TemporaryFolder();
        var source = new CheckpointCopy(folder, Fixture.TiedLlama3Rope).Set("tie_word_embeddings", tied);

        Assert.Contains($"tensor {Head} is missing", Fault(folder, source), StringComparison.Ordinal);
    }

    [Fact]
    public void Import_TiedWithAHeadOfAnotherShape_NamesTheTensor()
    {
        using var folder = new TemporaryFolder();
        var source = new CheckpointCopy(folder, Fixture.TiedLlama3Rope).Rename(Embedding, Head, keep: true).Reshape(Head, 383, 64);

        Assert.Contains($"{Head} has the shape [383, 64]", Fault(folder, source), StringComparison.Ordinal);
    }

    /// <summary>transformers adds and strips the base model's prefix, tensor by tensor.</summary>
    [Theory]
    [InlineData(Fixture.TiedLlama3Rope, "", "")]
    [InlineData(Fixture.UntiedHeadDim32, "", "")]
    [InlineData(Fixture.UntiedHeadDim32, "model.", "model.")]
    [InlineData(Fixture.UntiedHeadDim32, "model.model.", "model.")]
    public void Import_TensorsOfTheBaseModel_AreTheSame(string fixture, string prefix, string headPrefix)
    {
        using var folder = new TemporaryFolder();
        var source = new CheckpointCopy(folder, fixture).Rename(name =>
            name == Head ? headPrefix + name : prefix + name["model.".Length..]);

        Import(folder, source, "a", "int8");
        Import(folder, new CheckpointCopy(folder, fixture, "plain"), "b", "int8");

        AssertSame(folder, "a", "b");
    }

    [Fact]
    public void Import_TensorWithAndWithoutThePrefix_NamesBoth()
    {
        using var folder = new TemporaryFolder();
        var source = new CheckpointCopy(folder, Fixture.TiedLlama3Rope).Rename("model.norm.weight", "norm.weight", keep: true);

        Assert.Contains("tensors norm.weight and model.norm.weight", Fault(folder, source), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("transformer.norm.weight")]
    [InlineData("model.layers.0.self_attn.q_proj.bias")]
    [InlineData("model.layers.3.input_layernorm.weight")]
    [InlineData("score.weight")]
    public void Import_TensorThatLlamaHasNot_IsNamed(string name)
    {
        using var folder = new TemporaryFolder();
        var source = new CheckpointCopy(folder, Fixture.TiedLlama3Rope).Rename("model.norm.weight", name, keep: true);

        Assert.Contains($"no tensor {name}", Fault(folder, source), StringComparison.Ordinal);
    }

    [Fact]
    public void Import_StoredFrequencies_AreComputedAnew()
    {
        using var folder = new TemporaryFolder();
        var source = new CheckpointCopy(folder, Fixture.TiedLlama3Rope)
            .Rename("model.norm.weight", "model.layers.0.self_attn.rotary_emb.inv_freq", keep: true);

        Import(folder, source, "a", "fp32");
        Import(folder, new CheckpointCopy(folder, Fixture.TiedLlama3Rope, "plain"), "b", "fp32");

        AssertSame(folder, "a", "b");
    }

    private static ImportResult Import(TemporaryFolder folder, CheckpointCopy source, string destination, string precision) =>
        ModelImport.Run(new ImportOptions { Source = source.Path, Destination = folder.File(destination), Precision = precision });

    private static string Fault(TemporaryFolder folder, CheckpointCopy source) =>
        Assert.Throws<InvalidDataException>(() => Import(folder, source, "package", "fp32")).Message;

    private static void AssertSame(TemporaryFolder folder, string one, string other)
    {
        foreach (var file in new[] { "model.data", "model.onnx" })
            Assert.Equal(File.ReadAllBytes(folder.File($"{other}/{file}")), File.ReadAllBytes(folder.File($"{one}/{file}")));
    }
}
