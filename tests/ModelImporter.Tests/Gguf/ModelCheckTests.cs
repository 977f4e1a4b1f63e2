using Parley.ModelImporter.Gguf;
using Parley.TestSupport;

namespace Parley.ModelImporter.Tests.Gguf;

/// <summary>What the beginning of a GGUF file tells before the rest of it is here.</summary>
public sealed class ModelCheckTests
{
    private const string Name = "model-Q4_K_M.gguf";

    [Fact]
    public void HoldsHeader_OfEveryBeginning_IsTrueFromTheHeadersEndOn()
    {
        var bytes = Writer().ToArray();
        var ends = Enumerable.Range(0, bytes.Length + 1).First(count => GgufExtent.HoldsHeader(bytes.AsSpan(0, count)));

        Assert.All(Enumerable.Range(0, bytes.Length + 1),
            count => Assert.Equal(count >= ends, GgufExtent.HoldsHeader(bytes.AsSpan(0, count))));
        // What it calls whole is whole to the parser, and one byte less is not.
        GgufHeader.Parse(bytes.AsSpan(0, ends), bytes.Length, Name);
        Assert.Throws<InvalidDataException>(() => GgufHeader.Parse(bytes.AsSpan(0, ends - 1), bytes.Length, Name));
    }

    [Fact]
    public void HoldsHeader_OfWhatIsMalformed_AsksForNoMore()
    {
        Assert.True(GgufExtent.HoldsHeader("<html>no model here, at all</html>"u8));
        var bytes = Writer().ToArray();
        // The length of the first key.
        bytes.AsSpan(24, 8).Fill(0xFF);
        Assert.True(GgufExtent.HoldsHeader(bytes.AsSpan(0, 64)));
        Assert.Throws<InvalidDataException>(() => ModelCheck.CheckGguf(Shared.DemoModel, (Name, bytes.AsMemory(0, 64), bytes.Length)));
    }

    [Fact]
    public void HoldsHeader_OfTooShortABeginning_AsksForMore() =>
        Assert.False(ModelCheck.HoldsHeader(Writer().ToArray().AsSpan(0, 100), 1 << 20));

    [Fact]
    public void CheckGguf_OfATruncatedFile_SaysSo()
    {
        Assert.True(ModelCheck.HoldsHeader(Writer().ToArray().AsSpan(0, 100), 100));
        Assert.Throws<InvalidDataException>(
            () => ModelCheck.CheckGguf(Shared.DemoModel, (Name, Writer().ToArray().AsMemory(0, 100), 100)));
    }

    [Fact]
    public void CheckGguf_OfATypeThatIsNotRead_NamesTheTensor()
    {
        var writer = Writer();
        writer.Add("blk.0.ffn_up.weight", 34, [256, 32], new byte[1024]);
        var bytes = writer.ToArray();
        var failure = Assert.Throws<InvalidDataException>(() => ModelCheck.CheckGguf(Shared.DemoModel, (Name, bytes, bytes.Length)));
        Assert.Contains("blk.0.ffn_up.weight", failure.Message, StringComparison.Ordinal);
        Assert.Contains("Q4_K_M", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>Sizes of one model and tensors of another: what was fetched would serve nobody.</summary>
    [Fact]
    public void CheckGguf_BesideTheConfigurationOfAnotherModel_NamesTheFieldOfBoth()
    {
        var bytes = Writer().ToArray();
        var failure = Assert.Throws<InvalidDataException>(() => ModelCheck.CheckGguf(Shared.DemoModel, (Name, bytes, bytes.Length)));
        Assert.Contains("config.json: hidden_size is 256, but model-Q4_K_M.gguf says 32", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CheckConfiguration_OfTheDemoModel_HasNothingToSay() => ModelCheck.CheckConfiguration(Shared.DemoModel);

    private static GgufWriter Writer()
    {
        var writer = GgufWriter.Llama(32, 2, 2, 16);
        writer.Add("tokenizer.ggml.tokens", new[] { "a", "bb", "ccc" });
        writer.Add("tokenizer.ggml.token_type", new[] { 1, 2, 3 });
        writer.Add("token_embd.weight", GgufType.F32, [3, 32], new byte[3 * 32 * 4]);
        return writer;
    }
}
