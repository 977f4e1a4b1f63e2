using System.Text;
using System.Text.Json.Nodes;
using Parley.ModelImporter.Gguf;
using Parley.ModelImporter.Gguf.Tokenizers;
using Parley.Tokenizer.Encoders;
using Parley.Tokenizer.Templating;
using Parley.TokenizerFormat;

namespace Parley.ModelImporter.Tests.Gguf;

/// <summary>What the metadata of a vocabulary mean, each at the smallest vocabulary that shows it.</summary>
public sealed class GgufTokenizerTests
{
    private const int FuzzRuns = 3000;

    /// <summary>Without the flag a text begins with a space; user-defined pieces and control tokens keep their sides.</summary>
    [Theory]
    [InlineData(null, "ab", "4")]
    [InlineData(true, "ab", "4")]
    [InlineData(false, "ab", "5 6")]
    [InlineData(null, "a<u>b", "7 8 6")]
    [InlineData(null, "<u>", "3 8")]
    [InlineData(null, "a</s>b", "7 2 3 6")]
    [InlineData(null, "é", "3 9 10")]
    public void SentencePiece_AnyText_IsEncodedAsTheFlagsSay(bool? addsPrefix, string text, string expected)
    {
        var writer = SentencePiece();
        if (addsPrefix is { } flag)
            writer.Add("tokenizer.ggml.add_space_prefix", flag);

        Assert.Equal(expected, string.Join(' ', Encode(writer, text, special: false)));
    }

    [Theory]
    [InlineData(null, null, "1 4")]
    [InlineData(true, false, "1 4")]
    [InlineData(false, true, "4 2")]
    [InlineData(true, true, "1 4 2")]
    public void SentencePiece_BeginAndEnd_AreAddedAsTheFlagsSay(bool? begins, bool? ends, string expected)
    {
        var writer = SentencePiece();
        if (begins is { } begin)
            writer.Add("tokenizer.ggml.add_bos_token", begin);
        if (ends is { } end)
            writer.Add("tokenizer.ggml.add_eos_token", end);

        Assert.Equal(expected, string.Join(' ', Encode(writer, "ab", special: true)));
    }

    /// <summary>A user's text that is spelled like a control token or a byte stays text.</summary>
    [Theory]
    [InlineData("<u></s>")]
    [InlineData("</s>")]
    public void SentencePiece_TextSpelledLikeAControlToken_IsNone(string text)
    {
        var tokenizer = Create(SentencePiece());
        var ids = new List<int>();

        tokenizer.Encode(text, UserRanges.All(text.Length), addSpecialTokens: false, ids);

        Assert.DoesNotContain(2, ids);
    }

    [Fact]
    public void ByteLevel_KindsOfTokens_AreAddedTokensOrGaps()
    {
        var writer = ByteLevel("gpt-2");
        var json = JsonNode.Parse(Tokenizer(writer).ToTokenizerJson())!;

        Assert.Equal(
            ["3 <c> True", "4 <u> False"],
            json["added_tokens"]!.AsArray().Select(token => $"{token!["id"]} {token["content"]} {(bool)token["special"]!}"));
        Assert.Equal(["a", "b", "ab"], json["model"]!["vocab"]!.AsObject().Select(token => token.Key));
        Assert.Equal("0 4 2 3", string.Join(' ', Encode(writer, "a<u>ab<c>", special: true)));
    }

    [Theory]
    [InlineData("llama-bpe", true)]
    [InlineData("gpt-2", false)]
    public void ByteLevel_MergesThatWouldNotMakeAWholePiece_AreIgnoredWhereTheModelDoes(string pre, bool ignores) =>
        Assert.Equal(ignores, (bool)JsonNode.Parse(Tokenizer(ByteLevel(pre)).ToTokenizerJson())!["model"]!["ignore_merges"]!);

    [Theory]
    [InlineData("tokenizer.ggml.pre", "bloom", "tokenizer.ggml.pre is bloom")]
    [InlineData("tokenizer.ggml.pre", "default", "tokenizer.ggml.pre is default")]
    [InlineData("tokenizer.ggml.model", "rwkv", "tokenizer.ggml.model is rwkv; read are gpt2, llama, t5 and gemma4")]
    [InlineData("tokenizer.ggml.model", "bert", "tokenizer.ggml.model is bert")]
    public void Vocabulary_ThatIsNotRead_IsRefusedByNameAndSaysWhatHelps(string key, string value, string named)
    {
        var writer = ByteLevel("gpt-2");
        writer.Set(key, value);

        var message = Assert.Throws<InvalidDataException>(() => Tokenizer(writer).ToTokenizerJson()).Message;

        Assert.Contains(named, message, StringComparison.Ordinal);
        Assert.Contains("put tokenizer.json and tokenizer_config.json", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tokenizer.ggml.merges", "a c", "tokenizer.ggml.merges[0] is \"a c\"")]
    [InlineData("tokenizer.ggml.merges", "ab", "tokenizer.ggml.merges[0] is \"ab\"")]
    [InlineData("tokenizer.ggml.tokens", "a", "tokenizer.ggml.tokens lists \"a\" as 0 and as 1")]
    public void Vocabulary_ThatContradictsItself_IsRefusedByItsKey(string key, string item, string named)
    {
        var writer = ByteLevel("gpt-2");
        writer.Set(key, new[] { item, item });

        Assert.Contains(
            named, Assert.Throws<InvalidDataException>(() => Tokenizer(writer).ToTokenizerJson()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Config_OfAFile_HasItsTemplatesAndNamedTokens()
    {
        var writer = ByteLevel("gpt-2");
        writer.Add("tokenizer.ggml.bos_token_id", 3u);
        writer.Add("tokenizer.ggml.padding_token_id", 99u);
        writer.Add("tokenizer.chat_template", "{{ messages }}");
        writer.Add("tokenizer.chat_template.tool_use", "{{ tools }}");
        writer.Add("tokenizer.chat_templates", new[] { "tool_use" });

        var config = JsonNode.Parse(Tokenizer(writer).ToConfigJson())!;

        Assert.Equal("<c>", (string?)config["bos_token"]);
        Assert.Null(config["pad_token"]);
        Assert.Equal("{{ messages }}", (string?)config["chat_template"]);
        var (name, bytes) = Assert.Single(Tokenizer(writer).Templates());
        Assert.Equal(("additional_chat_templates/tool_use.jinja", "{{ tools }}"), (name, Encoding.UTF8.GetString(bytes)));
    }

    [Theory]
    [InlineData("../../x")]
    [InlineData("")]
    [InlineData("a.b")]
    public void Templates_WithANameThatLeadsElsewhere_AreRefused(string name)
    {
        var writer = ByteLevel("gpt-2");
        writer.Add("tokenizer.chat_template." + name, "x");

        Assert.Contains("is no name of a chat template",
            Assert.Throws<InvalidDataException>(() => Tokenizer(writer).Templates().ToList()).Message, StringComparison.Ordinal);
    }

    /// <summary>A vocabulary that is damaged anywhere is read, or refused as what it is.</summary>
    [Theory]
    [InlineData("llama", 1)]
    [InlineData("gpt2", 2)]
    [InlineData("t5", 3)]
    public void Vocabulary_AnyDamage_IsReadOrRefusedAsInvalidData(string model, int seed)
    {
        var writer = model == "gpt2" ? ByteLevel("gpt-2") : SentencePiece();
        writer.Set("tokenizer.ggml.model", model);
        writer.Add("tokenizer.chat_template.more", "x");
        writer.Add("token_embd.weight", GgufType.Q8_0, [12, 32], new byte[12 * 34]);
        var (sample, random) = (writer.ToArray(), new Random(seed));
        for (var run = 0; run < FuzzRuns; run++)
        {
            var damaged = sample.ToArray();
            for (var edit = random.Next(1, 6); edit > 0; edit--)
                damaged[random.Next(damaged.Length)] = random.Next(4) == 0 ? (byte)255 : (byte)random.Next(256);
            try
            {
                var header = GgufHeader.Parse(damaged, damaged.Length, "fuzz");
                var tokenizer = new GgufTokenizer(header.Metadata, 12, "fuzz");
                _ = tokenizer.ToConfigJson();
                _ = tokenizer.Templates().ToList();
                _ = GgufEndTokens.Read(header.Metadata, 12, "fuzz");
                _ = new HuggingFaceTokenizer(TokenizerFile.Parse(tokenizer.ToTokenizerJson()));
            }
            catch (InvalidDataException)
            {
                // The only exception that a damaged file may cause.
            }
        }
    }

    private static GgufWriter SentencePiece()
    {
        var writer = new GgufWriter();
        writer.Add("tokenizer.ggml.model", "llama");
        writer.Add("tokenizer.ggml.tokens", new[] { "<unk>", "<s>", "</s>", "▁", "▁ab", "a", "b", "▁a", "<u>", "<0xC3>", "<0xA9>" });
        writer.Add("tokenizer.ggml.token_type", new[] { 2, 3, 3, 1, 1, 1, 1, 1, 1, 6, 6 });
        writer.Add("tokenizer.ggml.scores", new float[] { 0, 0, 0, -9, -1, -7, -8, -0f, 0, 0, 0 });
        return writer;
    }

    private static GgufWriter ByteLevel(string pre)
    {
        var writer = new GgufWriter();
        writer.Add("tokenizer.ggml.model", "gpt2");
        writer.Add("tokenizer.ggml.pre", pre);
        writer.Add("tokenizer.ggml.tokens", new[] { "a", "b", "ab", "<c>", "<u>", "[PAD5]" });
        writer.Add("tokenizer.ggml.token_type", new[] { 1, 1, 1, 3, 4, 5 });
        writer.Add("tokenizer.ggml.merges", new[] { "a b" });
        return writer;
    }

    private static GgufTokenizer Tokenizer(GgufWriter writer)
    {
        var bytes = writer.ToArray();
        return new GgufTokenizer(GgufHeader.Parse(bytes, bytes.Length, "model.gguf").Metadata, 12, "model.gguf");
    }

    private static HuggingFaceTokenizer Create(GgufWriter writer) => new(TokenizerFile.Parse(Tokenizer(writer).ToTokenizerJson()));

    private static List<int> Encode(GgufWriter writer, string text, bool special)
    {
        var ids = new List<int>();
        Create(writer).Encode(text, UserRanges.None, special, ids);
        return ids;
    }
}
