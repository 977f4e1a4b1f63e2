using Parley.ModelHub.Naming;

namespace Parley.ModelHub.Tests.Naming;

/// <summary>A model's name as people write it.</summary>
public sealed class ModelReferenceTests
{
    [Theory]
    [InlineData("org/name", "org/name", "main", null)]
    [InlineData("gpt2", "gpt2", "main", null)]
    [InlineData("org/name@v1.0", "org/name", "v1.0", null)]
    [InlineData("org/name@refs/pr/3", "org/name", "refs/pr/3", null)]
    [InlineData("org/name-GGUF:Q4_K_M", "org/name-GGUF", "main", "Q4_K_M")]
    [InlineData("org/name-GGUF@v2:q4_k_m", "org/name-GGUF", "v2", "q4_k_m")]
    [InlineData("hf.co/org/name-GGUF:Q8_0", "org/name-GGUF", "main", "Q8_0")]
    [InlineData("https://huggingface.co/org/name", "org/name", "main", null)]
    [InlineData("https://huggingface.co/org/name/tree/v3", "org/name", "v3", null)]
    [InlineData("hf://org/name/", "org/name", "main", null)]
    [InlineData("org/name:file.Q4_0.gguf", "org/name", "main", "file.Q4_0.gguf")]
    [InlineData("org/name:Q4_K_M/model.gguf", "org/name", "main", "Q4_K_M/model.gguf")]
    [InlineData("https://huggingface.co/org/name/blob/main/m-Q8_0.gguf", "org/name", "main", "m-Q8_0.gguf")]
    [InlineData("https://huggingface.co/org/name/resolve/v2/BF16/m.gguf?download=true", "org/name", "v2", "BF16/m.gguf")]
    [InlineData("Org_1/na.me-2_b", "Org_1/na.me-2_b", "main", null)]
    public void Parse_OfAName_FindsItsParts(string text, string repository, string revision, string? variant) =>
        Assert.Equal(new ModelReference(repository, revision, variant), ModelReference.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("org/")]
    [InlineData("/name")]
    [InlineData("a/b/c")]
    [InlineData("org/na--me")]
    [InlineData("org/na..me")]
    [InlineData("org/name.git")]
    [InlineData("org/.name")]
    [InlineData("-org/name")]
    [InlineData("org/na me")]
    [InlineData("org/name@")]
    [InlineData("org/name@../../x")]
    [InlineData("org/name@/x")]
    [InlineData("org/name:")]
    [InlineData("org/name:/a")]
    [InlineData("org/name:a//b")]
    [InlineData("org/nämé")]
    [InlineData("org/na\nme")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public void Parse_OfWhatIsNoName_Refuses(string text) =>
        Assert.Equal(HubFailure.Refused, Assert.Throws<HubException>(() => ModelReference.Parse(text)).Failure);

    [Theory]
    [InlineData("org/name@v1:Q4_0")]
    [InlineData("org/name")]
    public void ToString_OfAParsedName_IsTheName(string text) => Assert.Equal(text, ModelReference.Parse(text).ToString());
}
