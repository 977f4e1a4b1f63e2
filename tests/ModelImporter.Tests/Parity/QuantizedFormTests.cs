using System.Text.Json;
using Parley.TestSupport;

namespace Parley.ModelImporter.Tests.Parity;

/// <summary>Checkpoints whose makers rounded them: fp8 is read, every other form is refused by its name.</summary>
public sealed class QuantizedFormTests
{
    [Theory]
    [InlineData("fp8-block128")]
    [InlineData("fp8-static-tensor")]
    public void Logits_OfFp8_AreThoseOfItsWeights(string name)
    {
        var folder = Shared.Fixture("quantised", name);
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "expected.json")));
        using var package = new ParityPackage(folder);
        using var runner = package.Open(ParityPackage.Options());
        foreach (var scene in document.RootElement.GetProperty("cases").EnumerateArray())
        {
            uint[] ids = [.. scene.GetProperty("ids").EnumerateArray().Select(id => id.GetUInt32())];

            var logits = package.Logits(runner, [ids], 64)[0];

            var error = Fixture.RelativeError(logits[^1], Fixture.Numbers(scene.GetProperty("last_logits")));
            TestContext.Current.TestOutputHelper?.WriteLine($"{name}: {error:E1}");
            Assert.InRange(error, 0, 1e-4);
        }
    }

    [Fact]
    public void Import_OfScalesThatDoNotFit_NamesFileTensorWantedAndFound()
    {
        using var folder = new TemporaryFolder();
        foreach (var file in Directory.GetFiles(Shared.Fixture("quantised", "fp8-block128")))
            File.Copy(file, folder.File(Path.GetFileName(file)));
        var path = folder.File("config.json");
        File.WriteAllText(path, System.Text.RegularExpressions.Regex.Replace(
            File.ReadAllText(path), @"""weight_block_size"":\s*\[[^\]]*\]", "\"weight_block_size\":[64,128]"));

        var message = Assert.Throws<InvalidDataException>(() => CheckpointReader.Open(folder.Path)).Message;

        Assert.Contains("model.safetensors: tensor", message, StringComparison.Ordinal);
        Assert.Contains("weight_scale_inv has the shape [", message, StringComparison.Ordinal);
        Assert.Contains("blocks of 64 × 128", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("awq-g64", "awq")]
    [InlineData("gptq-v2-asym-g32", "gptq")]
    [InlineData("bnb-nf4-double", "bitsandbytes")]
    [InlineData("ct-fp8-channel", "compressed-tensors")]
    public void Import_OfAnotherForm_IsRefusedByItsName(string name, string method) => Assert.Contains(
        $"quantization_config.quant_method is \"{method}\"",
        Assert.Throws<InvalidDataException>(() => CheckpointReader.Open(Shared.Fixture("quantised", name))).Message,
        StringComparison.Ordinal);
}
