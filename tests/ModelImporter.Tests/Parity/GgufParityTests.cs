using Parley.TestSupport;

namespace Parley.ModelImporter.Tests.Parity;

/// <summary>GGUF files of other families than Llama, with nothing but a tokenizer beside them.</summary>
public sealed class GgufParityTests
{
    [Theory]
    [InlineData("gemma2", "query_pre_attn_scalar")]
    [InlineData("gemma4-e-in-multimodal", null)]
    [InlineData("glm4", null)]
    [InlineData("lfm2", null)]
    [InlineData("ministral3-in-mistral3", "mscale")]
    [InlineData("olmo3", null)]
    [InlineData("phi4-partial-rotary", null)]
    [InlineData("qwen2-bias-tied", "window")]
    [InlineData("llama-tied-llama3rope", "window")]
    [InlineData("granitemoe", null)]
    [InlineData("mixtral", "window")]
    [InlineData("qwen3-moe", "window")]
    [InlineData("gpt-oss-mxfp4", "truncated")]
    [InlineData("qwen3.5-in-multimodal", null)]
    [InlineData("granite4-hybrid", null)]
    public void Logits_AGgufFileAlone_AreThoseOfTransformers(string name, string? leftOpen)
    {
        var checkpoint = new ParityCheckpoint(name);
        using var folder = new TemporaryFolder();
        File.Copy(Shared.Fixture("gguf", $"{name}.gguf"), folder.File("model.gguf"));
        foreach (var file in new[] { "tokenizer.json", "tokenizer_config.json" })
            File.Copy(Path.Combine(checkpoint.Folder, file), folder.File(file));
        using var package = new ParityPackage(folder.File("model.gguf"));
        using var runner = package.Open(ParityPackage.Options());

        foreach (var scene in checkpoint.Cases())
        {
            var logits = package.Logits(runner, [scene.Ids], 64)[0];

            Assert.InRange(Fixture.RelativeError(logits[^1], scene.Last), 0, 1e-4);
            Assert.InRange(Fixture.RelativeError(logits[scene.MiddleIndex], scene.Middle), 0, 1e-4);
        }

        if (leftOpen is not null)
            Assert.Contains(package.Result.Notes, note => note.Contains(leftOpen, StringComparison.Ordinal));
    }
}
