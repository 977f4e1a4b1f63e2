using System.IO.Compression;
using System.Text.Json;
using Parley.ModelImporter.Gguf;
using Parley.ModelImporter.Gguf.Tokenizers;
using Parley.TestSupport;
using Parley.Tokenizer.Detokenization;
using Parley.Tokenizer.Encoders;
using Parley.TokenizerFormat;

namespace Parley.ModelImporter.Tests.Gguf;

/// <summary>Real vocabularies, written as llama.cpp's converter writes them, tokenize as the models' own tokenizer.json does.</summary>
public sealed class GgufVocabularyTests(ITestOutputHelper output)
{
    private const int Normal = 1;
    private const int Unknown = 2;
    private const int Control = 3;
    private const int UserDefined = 4;
    private const int Unused = 5;
    private const int OneByte = 6;

    [Theory]
    [InlineData("llama3", "llama-bpe")]
    [InlineData("gpt-2", "gpt-2")]
    [InlineData("deepseek-llm", "deepseek-llm")]
    [InlineData("falcon", "falcon")]
    [InlineData("qwen3", "qwen2")]
    [InlineData("deepseek-v3", "deepseek-v3")]
    [InlineData("llama-spm", null)]
    public void Tokenizer_OfAFile_IsThatOfTheModel(string name, string? pre)
    {
        var tokenizer = Create(Write(Json("tokenizers", name, "tokenizer.json.gz"), pre));
        var texts = Json("tokenizers", "cases.json.gz").EnumerateArray().Select(item => item.GetProperty("text").GetString()!).ToArray();
        var expected = Json("tokenizers", name, "ids.json.gz");
        var decoded = Json("tokenizers", name, "decoded.json.gz");
        var (wrong, wronglyDecoded, ids) = (0, 0, new List<int>());
        for (var i = 0; i < texts.Length; i++)
        {
            ids.Clear();
            tokenizer.Encode(texts[i], Tokenizer.Templating.UserRanges.None, addSpecialTokens: false, ids);
            var wanted = Fixture.Ids(expected[i]);
            wrong += ids.SequenceEqual(wanted) ? 0 : 1;
            wronglyDecoded += BatchDecoder.Decode(tokenizer.Tokens, wanted, skipSpecialTokens: false) == decoded[i].GetString() ? 0 : 1;
        }

        output.WriteLine($"{name}: {texts.Length - wrong} of {texts.Length} id lists equal");
        Assert.Equal((0, 0), (wrong, wronglyDecoded));
    }

    /// <summary>The metadata of a tokenizer.json; ids without a token become rows that are not used.</summary>
    private static GgufWriter Write(JsonElement json, string? pre)
    {
        var model = json.GetProperty("model");
        var added = json.GetProperty("added_tokens").EnumerateArray().ToDictionary(
            token => token.GetProperty("id").GetInt32(),
            token => (Text: token.GetProperty("content").GetString()!, Special: token.GetProperty("special").GetBoolean()));
        var vocabulary = model.GetProperty("vocab").EnumerateObject().ToDictionary(token => token.Value.GetInt32(), token => token.Name);
        var size = Math.Max(vocabulary.Keys.Max(), added.Keys.Max()) + 1;
        var (tokens, types, scores) = (new string[size], new int[size], new float[size]);
        for (var id = 0; id < size; id++)
        {
            var isAdded = added.TryGetValue(id, out var token);
            tokens[id] = isAdded ? token.Text : vocabulary.GetValueOrDefault(id) ?? $"[PAD{id}]";
            types[id] = isAdded ? token.Special ? Control : UserDefined : vocabulary.ContainsKey(id) ? Normal : Unused;
            // What Llama 2's own file says: bytes after the first three, then the merges in order, runs of spaces last.
            if (pre is null)
            {
                types[id] = id > 258 ? Normal : id > 2 ? OneByte : id > 0 ? Control : Unknown;
                scores[id] = id < 259 ? 0 : tokens[id].Length > 1 && tokens[id].All(letter => letter == '▁') ? -1e9f : 259 - id;
            }
        }

        var writer = new GgufWriter();
        writer.Add("tokenizer.ggml.model", pre is null ? "llama" : "gpt2");
        writer.Add("tokenizer.ggml.tokens", tokens);
        writer.Add("tokenizer.ggml.token_type", types);
        if (pre is null)
        {
            writer.Add("tokenizer.ggml.scores", scores);
            return writer;
        }

        writer.Add("tokenizer.ggml.pre", pre);
        writer.Add("tokenizer.ggml.merges", model.GetProperty("merges").EnumerateArray().Select(merge =>
            merge.ValueKind == JsonValueKind.String ? merge.GetString()! : $"{merge[0].GetString()} {merge[1].GetString()}").ToArray());
        return writer;
    }

    private static HuggingFaceTokenizer Create(GgufWriter writer)
    {
        var bytes = writer.ToArray();
        var metadata = GgufHeader.Parse(bytes, bytes.Length, "model.gguf").Metadata;
        return new HuggingFaceTokenizer(TokenizerFile.Parse(new GgufTokenizer(metadata, 1 << 20, "model.gguf").ToTokenizerJson()));
    }

    private static JsonElement Json(params string[] parts)
    {
        using var file = File.OpenRead(Shared.Fixture(parts));
        using var stream = new GZipStream(file, CompressionMode.Decompress);
        using var document = JsonDocument.Parse(stream);
        return document.RootElement.Clone();
    }
}
