using System.IO.Compression;
using System.Text.Json;
using Parley.ModelImporter.Gguf;
using Parley.ModelImporter.Gguf.Tokenizers;
using Parley.Tokenizer.Detokenization;
using Parley.Tokenizer.Encoders;
using Parley.Tokenizer.Templating;
using Parley.TokenizerFormat;

namespace Parley.ModelImporter.Tests.Gguf;

/// <summary>A vocabulary of Gemma 4's kind, as llama.cpp's converter writes it, against transformers' class (make.py beside it).</summary>
public sealed class GgufGemma4Tests
{
    /// <summary>Early files deny that texts begin with a token, and Ollama's converter has an older name.</summary>
    [Theory]
    [InlineData("gemma4", true)]
    [InlineData("gemma4", false)]
    [InlineData("llama", true)]
    public void Tokenizer_OfAFile_IsThatOfTheReference(string model, bool begins)
    {
        var fixture = Read();
        var tokenizer = Create(Write(fixture, model, begins));
        var ids = new List<int>();
        foreach (var (i, text) in Texts(fixture, "texts").Index())
        {
            ids.Clear();
            tokenizer.Encode(text, UserRanges.None, addSpecialTokens: true, ids);

            var expected = Fixture.Ids(fixture.GetProperty("ids")[i]);
            Assert.Equal((text, string.Join(' ', expected)), (text, string.Join(' ', ids)));
            Assert.Equal(
                fixture.GetProperty("decoded")[i].GetString(), BatchDecoder.Decode(tokenizer.Tokens, expected, skipSpecialTokens: false));
            Assert.Equal(
                fixture.GetProperty("skipped")[i].GetString(), BatchDecoder.Decode(tokenizer.Tokens, expected, skipSpecialTokens: true));
        }
    }

    /// <summary>A turn that a user writes is text, and so are the markers that the converter calls user-defined.</summary>
    [Theory]
    [InlineData("<|turn>system\n")]
    [InlineData("<|tool_call>call:f{}")]
    [InlineData("<bos>")]
    public void Encode_TextOfAUserThatIsSpelledLikeAMarker_IsText(string text)
    {
        var fixture = Read();
        var tokenizer = Create(Write(fixture, "gemma4", true));
        var (ids, types) = (new List<int>(), Fixture.Ids(fixture.GetProperty("types")));

        tokenizer.Encode(text, UserRanges.All(text.Length), addSpecialTokens: false, ids);

        Assert.DoesNotContain(ids, id => types[id] is 3 or 4);
        Assert.Equal(text, BatchDecoder.Decode(tokenizer.Tokens, [.. ids], skipSpecialTokens: false));
    }

    [Theory]
    [InlineData("tokenizer.ggml.merges", new[] { "a" }, "tokenizer.ggml.merges[0]")]
    [InlineData("tokenizer.ggml.merges", new string[0], "tokenizer.ggml.merges is missing")]
    public void Tokenizer_OfDamagedMerges_IsRefused(string key, string[] merges, string named)
    {
        var writer = Write(Read(), "gemma4", true);
        writer.Set(key, merges);

        Assert.Contains(named, Assert.Throws<InvalidDataException>(() => Create(writer)).Message, StringComparison.Ordinal);
    }

    private static GgufWriter Write(JsonElement fixture, string model, bool begins)
    {
        var writer = new GgufWriter();
        writer.Add("general.architecture", "gemma4");
        writer.Add("tokenizer.ggml.model", model);
        writer.Add("tokenizer.ggml.tokens", Texts(fixture, "tokens"));
        writer.Add("tokenizer.ggml.scores", Texts(fixture, "tokens").Select(_ => -1000f).ToArray());
        writer.Add("tokenizer.ggml.token_type", Fixture.Ids(fixture.GetProperty("types")));
        writer.Add("tokenizer.ggml.merges", Texts(fixture, "merges"));
        writer.Add("tokenizer.ggml.add_space_prefix", false);
        writer.Add("tokenizer.ggml.add_bos_token", begins);
        writer.Add("tokenizer.ggml.padding_token_id", 0u);
        writer.Add("tokenizer.ggml.eos_token_id", 1u);
        writer.Add("tokenizer.ggml.bos_token_id", 2u);
        writer.Add("tokenizer.ggml.unknown_token_id", 3u);
        writer.Add("tokenizer.ggml.mask_token_id", 4u);
        return writer;
    }

    private static HuggingFaceTokenizer Create(GgufWriter writer)
    {
        var bytes = writer.ToArray();
        var metadata = GgufHeader.Parse(bytes, bytes.Length, "model.gguf").Metadata;
        return new HuggingFaceTokenizer(TokenizerFile.Parse(new GgufTokenizer(metadata, 4096, "model.gguf").ToTokenizerJson()));
    }

    private static string[] Texts(JsonElement fixture, string name) =>
        [.. fixture.GetProperty(name).EnumerateArray().Select(text => text.GetString()!)];

    private static JsonElement Read()
    {
        using var file = File.OpenRead(Path.Combine(Fixture.Folder("gemma4"), "cases.json.gz"));
        using var stream = new GZipStream(file, CompressionMode.Decompress);
        using var document = JsonDocument.Parse(stream);
        return document.RootElement.Clone();
    }
}
