using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Parley.Tokenizer.Encoders;
using Parley.Tokenizer.Templating;
using Parley.Tokenizer.Tests.Doubles;
using Parley.TokenizerFormat;

namespace Parley.Tokenizer.Tests.Vocabulary;

/// <summary>
/// Folders without tokenizer.json. The same vocabulary, written as tokenizer.model or as a tiktoken file, must give the ids that the
/// reference gives for its tokenizer.json.
/// </summary>
public sealed class TokenizerFileTests(ITestOutputHelper output) : IDisposable
{
    private const int Normal = 1;
    private const int Unknown = 2;
    private const int Control = 3;
    private const int UserDefined = 4;
    private const int Byte = 6;
    private const int Unigram = 1;
    private const int BytePairs = 2;

    private readonly string _folder = Directory.CreateTempSubdirectory("parley-tokenizer-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Load_Llama2AsSentencePiece_EqualsReference()
    {
        var json = Fixtures.TokenizerJson("llama-spm");
        // The scores of the model file are not in the fixture; they are as good as the order in which merges first make a piece.
        var scores = new Dictionary<string, float>();
        foreach (var merge in json.GetProperty("model").GetProperty("merges").EnumerateArray())
            scores.TryAdd(merge.ValueKind == JsonValueKind.Array ? merge[0].GetString() + merge[1].GetString()
                : merge.GetString()!.Replace(" ", ""), -scores.Count);
        var entries = json.GetProperty("model").GetProperty("vocab").EnumerateObject().OrderBy(item => item.Value.GetInt32())
            .Select((item, id) => (item.Name, Score: scores.GetValueOrDefault(item.Name, -1e9f),
                id == 0 ? Unknown : id < 3 ? Control : id < 259 ? Byte : Normal));
        Write("tokenizer.model", SentencePieceWriter.Write(entries, BytePairs, byteFallback: true));
        Write("tokenizer_config.json", Config(json, "LlamaTokenizer"));
        Compare("llama-spm");
    }

    [Theory]
    [InlineData("tokenizer.model")]
    [InlineData("some.tiktoken")]
    public void Load_Llama3AsTiktoken_EqualsReference(string file)
    {
        var json = Fixtures.TokenizerJson("llama3");
        var lines = new StringBuilder();
        foreach (var item in json.GetProperty("model").GetProperty("vocab").EnumerateObject().OrderBy(item => item.Value.GetInt32()))
        {
            if (item.Value.GetInt32() < 128_000)
                lines.Append(Convert.ToBase64String([.. item.Name.Select(value => (byte)ByteAlphabet.ToByte(value))])).Append(' ')
                    .Append(item.Value.GetInt32()).Append('\n');
        }

        Write(file, Encoding.ASCII.GetBytes(lines.ToString()));
        Write("tokenizer_config.json", Config(json, "PreTrainedTokenizerFast"));
        Compare("llama3");
    }

    [Fact]
    public void Load_UnigramAsSentencePiece_EqualsReference()
    {
        var golden = Fixtures.Golden("configurations.json.gz").EnumerateArray()
            .First(item => item.GetProperty("name").GetString() == "unigram-trained/xlmr");
        var json = golden.GetProperty("tokenizer");
        var pieces = json.GetProperty("model").GetProperty("vocab").EnumerateArray()
            .Select(item => (item[0].GetString()!, (float)item[1].GetDouble(), Normal)).ToList();
        var unknownId = json.GetProperty("model").GetProperty("unk_id").GetInt32();
        pieces[unknownId] = pieces[unknownId] with { Item3 = Unknown };
        var map = json.GetProperty("normalizer").GetProperty("normalizers")[0].GetProperty("precompiled_charsmap").GetBytesFromBase64();
        Write("tokenizer.model",
            SentencePieceWriter.Write(pieces, Unigram, characterMap: map, removeExtraSpaces: true, unknownId: unknownId));
        Write("tokenizer_config.json", Config(json, "SomeTokenizer"));
        var tokenizer = Load();
        foreach (var item in golden.GetProperty("cases").EnumerateArray())
            Assert.Equal(Fixtures.Ids(item.GetProperty("ids")), tokenizer.Encode(item.GetProperty("text").GetString()!));
    }

    [Fact]
    public void Load_SymbolsOfAModel_AreAddedTokens()
    {
        Write("tokenizer.model", SentencePieceWriter.Write(
            [("<unk>", 0, Unknown), ("<s>", 0, Control), ("</s>", 0, Control), ("<user>", 0, UserDefined), ("▁", -1, Normal),
                ("a", -2, Normal), ("b", -3, Normal), ("▁a", -4, Normal)], BytePairs));
        var tokenizer = Load();
        Assert.Equal("BPE (characters)", tokenizer.Algorithm);
        Assert.Equal([7, 6, 3, 4, 6, 0, 2], tokenizer.Encode("ab<user>bé</s>"));
        Assert.True(tokenizer.Tokens.IsSpecial(2));
        Assert.False(tokenizer.Tokens.IsSpecial(3));
        var ids = new List<int>();
        tokenizer.Encode("a", UserRanges.None, addSpecialTokens: true, ids);
        Assert.Equal([1, 7], ids);
        Assert.Equal("ab b", tokenizer.Decode([7, 6, 4, 6]));
    }

    [Theory]
    [InlineData("T5Tokenizer", """{"tokenizer_class": "T5Tokenizer", "extra_ids": 2}""", new[] { 5, 2 })]
    [InlineData("XLMRobertaTokenizer", """{"tokenizer_class": "XLMRobertaTokenizerFast"}""", new[] { 0, 6, 2 })]
    public void Load_ClassWithItsOwnIds_GetsThem(string name, string config, int[] expected)
    {
        Write("tokenizer.model", SentencePieceWriter.Write(
            [("<unk>", 0, Unknown), ("<s>", 0, Control), ("</s>", 0, Control), ("▁", -1, Normal), ("a", -2, Normal),
                ("▁a", -2, Normal)],
            Unigram));
        Write("tokenizer_config.json", config);
        var ids = new List<int>();
        var tokenizer = Load();
        tokenizer.Encode("a", UserRanges.None, addSpecialTokens: true, ids);
        Assert.Equal(expected, ids);
        Assert.True(tokenizer.Tokens.TryGetId(name == "T5Tokenizer" ? "<extra_id_0>" : "<mask>", out var last));
        Assert.Equal(7, last);
    }

    [Fact]
    public void Load_QwenTiktoken_KnowsItsSpecialTokens()
    {
        Write("qwen.tiktoken", Encoding.ASCII.GetBytes(string.Join('\n', Enumerable.Range(0, 256)
            .Select(value => $"{Convert.ToBase64String([(byte)value])} {value}")) + "\n" + Convert.ToBase64String("12"u8) + " 256\n"));
        var tokenizer = Load();
        Assert.Equal([49, 50, 257, 97], tokenizer.Encode("12<|endoftext|>a"));
        Assert.True(tokenizer.Tokens.TryGetId("<|im_end|>", out var end));
        Assert.Equal(259, end);
    }

    [Fact]
    public void Load_NoFile_NamesTheThree()
    {
        Write("config.json", "{}"u8.ToArray());
        var fault = Assert.Throws<InvalidDataException>(Load);
        foreach (var file in (string[])["tokenizer.json", "tokenizer.model", "*.tiktoken"])
            Assert.Contains(file, fault.Message);
    }

    [Theory]
    [InlineData("IQ== 0\n!! 1\n", "{}", "line 2")]
    [InlineData("IQ== 0\nIg== x\n", "{}", "line 2")]
    [InlineData("IQ== 0\n", "{}", "added_tokens_decoder")]
    [InlineData("IQ== 0\n", """{"tokenizer_class": "TikTokenTokenizer"}""", "TikTokenTokenizer")]
    [InlineData("IQ== 0\n", """{"added_tokens_decoder": {"x": {"content": "<a>"}}}""", "added_tokens_decoder.x")]
    [InlineData("\n\u0003abc", "{}", "neither a SentencePiece model nor a tiktoken file")]
    [InlineData("", "{}", "holds no pieces")]
    public void Load_BrokenFile_NamesThePlace(string content, string config, string place)
    {
        Write("tokenizer.model", Encoding.UTF8.GetBytes(content));
        Write("tokenizer_config.json", config);
        Assert.Contains(place, Assert.Throws<InvalidDataException>(Load).Message);
    }

    /// <summary>Merges are found by cutting each token everywhere, so its length counts twice.</summary>
    [Fact]
    public void Load_TokenOfThousandsOfCharacters_IsRefusedWhereMergesAreMade()
    {
        Write("qwen.tiktoken", Encoding.ASCII.GetBytes($"IQ== 0\n{Convert.ToBase64String(new byte[100_000])} 1\n"));
        Assert.Contains("token 1 of 100000 characters", Assert.Throws<InvalidDataException>(Load).Message);
    }

    private static string Config(JsonElement json, string tokenizerClass)
    {
        var added = new JsonObject();
        foreach (var token in json.GetProperty("added_tokens").EnumerateArray())
        {
            var item = JsonNode.Parse(token.GetRawText())!.AsObject();
            item.Remove("id", out var id);
            added[id!.ToString()] = item;
        }

        return new JsonObject { ["tokenizer_class"] = tokenizerClass, ["added_tokens_decoder"] = added }.ToJsonString();
    }

    private void Compare(string fixture)
    {
        var tokenizer = Load();
        var cases = Fixtures.Json("tokenizers", "cases.json.gz");
        var expected = Fixtures.Json("tokenizers", fixture, "ids.json.gz");
        var equal = 0;
        for (var i = 0; i < expected.GetArrayLength(); i++)
        {
            if (tokenizer.Encode(cases[i].GetProperty("text").GetString()!).SequenceEqual(Fixtures.Ids(expected[i])))
                equal++;
        }

        output.WriteLine($"{fixture}: {equal} of {expected.GetArrayLength()} id lists equal");
        Assert.Equal(expected.GetArrayLength(), equal);
    }

    private HuggingFaceTokenizer Load() => new(TokenizerFile.Load(new ModelFolder(_folder)));

    private void Write(string file, string text) => File.WriteAllText(Path.Combine(_folder, file), text);

    private void Write(string file, byte[] bytes) => File.WriteAllBytes(Path.Combine(_folder, file), bytes);
}
