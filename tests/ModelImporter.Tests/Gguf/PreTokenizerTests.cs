using System.IO.Compression;
using System.Text.Json;
using Parley.ModelImporter.Gguf;
using Parley.ModelImporter.Gguf.Tokenizers;
using Parley.Tokenizer.Encoders;
using Parley.Tokenizer.Templating;
using Parley.TokenizerFormat;

namespace Parley.ModelImporter.Tests.Gguf;

/// <summary>Splits by name against transformers' tokenizer classes of the same models (Fixtures/pre-tokenizers/make.py).</summary>
public sealed class PreTokenizerTests
{
    [Theory]
    [InlineData("qwen35")]
    [InlineData("qwen2")]
    [InlineData("command-r")]
    [InlineData("olmo")]
    [InlineData("gpt-2")]
    public void Split_OfAName_IsThatOfTheModelsClass(string pre)
    {
        using var file = File.OpenRead(Path.Combine(Fixture.Folder("pre-tokenizers"), "cases.json.gz"));
        using var stream = new GZipStream(file, CompressionMode.Decompress);
        using var document = JsonDocument.Parse(stream);
        var root = document.RootElement;
        var writer = new GgufWriter();
        writer.Add("tokenizer.ggml.model", "gpt2");
        writer.Add("tokenizer.ggml.pre", pre);
        writer.Add("tokenizer.ggml.tokens", Texts(root, "tokens"));
        writer.Add("tokenizer.ggml.token_type", Texts(root, "tokens").Select((_, id) => id == 0 ? 3 : 1).ToArray());
        writer.Add("tokenizer.ggml.merges", Texts(root, "merges"));
        var bytes = writer.ToArray();
        var metadata = GgufHeader.Parse(bytes, bytes.Length, "model.gguf").Metadata;
        var tokenizer = new HuggingFaceTokenizer(
            TokenizerFile.Parse(new GgufTokenizer(metadata, 1 << 16, "model.gguf").ToTokenizerJson()));

        var expected = root.GetProperty("ids").GetProperty(pre);
        var ids = new List<int>();
        foreach (var (i, text) in Texts(root, "texts").Index())
        {
            ids.Clear();
            tokenizer.Encode(text, UserRanges.None, addSpecialTokens: false, ids);
            Assert.Equal((text, string.Join(' ', Fixture.Ids(expected[i]))), (text, string.Join(' ', ids)));
        }
    }

    private static string[] Texts(JsonElement root, string name) =>
        [.. root.GetProperty(name).EnumerateArray().Select(text => text.GetString()!)];
}
