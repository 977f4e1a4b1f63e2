using System.IO.Compression;
using System.Text.Json;
using Parley.ModelImporter.Gguf;
using Parley.ModelImporter.Gguf.Tokenizers;
using Parley.Tokenizer.Detokenization;
using Parley.Tokenizer.Encoders;
using Parley.Tokenizer.Templating;
using Parley.TokenizerFormat;

namespace Parley.ModelImporter.Tests.Gguf;

/// <summary>
/// A Unigram vocabulary with a character map, written as llama.cpp's converter writes T5's, against Hugging Face's tokenizers
/// (Fixtures/unigram/make.py): every pair of flags on texts of all sorts.
/// </summary>
public sealed class GgufUnigramTests
{
    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public void Tokenizer_OfAFile_IsThatOfTheReference(bool prefix, bool remove)
    {
        var fixture = Read();
        var texts = fixture.GetProperty("texts").EnumerateArray().Select(text => text.GetString()!).ToArray();
        var scene = fixture.GetProperty("cases").EnumerateArray()
            .Single(scene => scene.GetProperty("prefix").GetBoolean() == prefix && scene.GetProperty("remove").GetBoolean() == remove);
        // What the format leaves out is true for the first flag, and false for the second.
        var tokenizer = Create(Write(fixture, prefix ? null : false, remove ? true : null));
        var ids = new List<int>();
        for (var i = 0; i < texts.Length; i++)
        {
            ids.Clear();
            tokenizer.Encode(texts[i], UserRanges.None, addSpecialTokens: true, ids);
            var expected = Fixture.Ids(scene.GetProperty("ids")[i]);
            Assert.Equal((texts[i], string.Join(' ', expected)), (texts[i], string.Join(' ', ids)));
            var decoded = BatchDecoder.Decode(tokenizer.Tokens, expected, skipSpecialTokens: false);
            Assert.Equal(scene.GetProperty("decoded")[i].GetString(), decoded);
        }
    }

    /// <summary>The likeliest way to write a control token's text is that token: a chat that holds it is refused.</summary>
    [Fact]
    public void EncodeChat_WithAControlTokenOfAUsers_IsRefused()
    {
        var tokenizer = Create(Write(Read(), null, true));
        const string Text = "a</s>b";

        Assert.Throws<UncoveredTextException>(() => tokenizer.EncodeChat(
            Text, UserRanges.All(Text.Length), tokenizer.FindControls([], null), []));
    }

    [Fact]
    public void Tokenizer_OfADamagedCharacterMap_IsRefused()
    {
        var writer = Write(Read(), null, true);
        writer.Set("tokenizer.ggml.precompiled_charsmap", new byte[] { 255, 255, 255, 255, 0 });
        Assert.Throws<InvalidDataException>(() => Create(writer));
    }

    private static GgufWriter Write(JsonElement fixture, bool? prefix, bool? remove)
    {
        var writer = new GgufWriter();
        writer.Add("tokenizer.ggml.model", "t5");
        writer.Add("tokenizer.ggml.pre", "default");
        writer.Add("tokenizer.ggml.tokens", fixture.GetProperty("pieces").EnumerateArray().Select(piece => piece.GetString()!).ToArray());
        writer.Add("tokenizer.ggml.scores", fixture.GetProperty("scores").EnumerateArray().Select(score => score.GetSingle()).ToArray());
        writer.Add("tokenizer.ggml.token_type", Fixture.Ids(fixture.GetProperty("types")));
        writer.Add("tokenizer.ggml.precompiled_charsmap", fixture.GetProperty("charsmap").GetBytesFromBase64());
        if (prefix is { } adds)
            writer.Add("tokenizer.ggml.add_space_prefix", adds);
        if (remove is { } removes)
            writer.Add("tokenizer.ggml.remove_extra_whitespaces", removes);
        writer.Add("tokenizer.ggml.add_bos_token", false);
        writer.Add("tokenizer.ggml.add_eos_token", true);
        writer.Add("tokenizer.ggml.eos_token_id", 1u);
        writer.Add("tokenizer.ggml.unknown_token_id", 2u);
        writer.Add("tokenizer.ggml.padding_token_id", 0u);
        return writer;
    }

    private static HuggingFaceTokenizer Create(GgufWriter writer)
    {
        var bytes = writer.ToArray();
        var metadata = GgufHeader.Parse(bytes, bytes.Length, "model.gguf").Metadata;
        return new HuggingFaceTokenizer(TokenizerFile.Parse(new GgufTokenizer(metadata, 1024, "model.gguf").ToTokenizerJson()));
    }

    private static JsonElement Read()
    {
        using var file = File.OpenRead(Path.Combine(Fixture.Folder("unigram"), "cases.json.gz"));
        using var stream = new GZipStream(file, CompressionMode.Decompress);
        using var document = JsonDocument.Parse(stream);
        return document.RootElement.Clone();
    }
}
