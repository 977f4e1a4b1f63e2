using System.Buffers;
using System.Text.Json;
using Parley.Tokenizer.Detokenization;
using Parley.Tokenizer.Encoders;
using Parley.Tokenizer.Tests.Doubles;

namespace Parley.Tokenizer.Tests.Encoders;

/// <summary>Every case of the reference, id by id; the output says how many.</summary>
public sealed class TokenizerFixtureTests(ITestOutputHelper output)
{
    public static TheoryData<string> Vocabularies => ["llama3", "gpt-2", "llama-spm", "deepseek-llm", "falcon"];

    [Theory]
    [MemberData(nameof(Vocabularies))]
    public void Encode_FixtureCases_EqualReference(string name)
    {
        var cases = Fixtures.Json("tokenizers", "cases.json.gz");
        Compare(Fixtures.Tokenizer(name), [.. cases.EnumerateArray().Select(item => item.GetProperty("text").GetString()!)],
            Fixtures.Json("tokenizers", name, "ids.json.gz"));
    }

    [Fact]
    public void Encode_FlagCases_EqualReference()
    {
        var cases = Fixtures.Json("tokenizers", "flags", "cases.json.gz");
        Compare(Fixtures.Tokenizer("flags"), [.. cases.EnumerateArray().Select(item => item.GetString()!)],
            Fixtures.Json("tokenizers", "flags", "ids.json.gz"));
    }

    [Theory]
    [MemberData(nameof(Vocabularies))]
    public void Decode_FixtureIds_EqualReference(string name)
    {
        var tokenizer = Fixtures.Tokenizer(name);
        var ids = Fixtures.Json("tokenizers", name, "ids.json.gz");
        var expected = Fixtures.Json("tokenizers", name, "decoded.json.gz");
        var wrong = 0;
        for (var i = 0; i < ids.GetArrayLength(); i++)
        {
            var list = Fixtures.Ids(ids[i]);
            if (BatchDecoder.Decode(tokenizer.Tokens, list, skipSpecialTokens: false) != expected[i].GetString()
                || Streamed(tokenizer, list, skip: false) != expected[i].GetString())
                wrong++;
        }

        output.WriteLine($"{name}: {ids.GetArrayLength() - wrong} of {ids.GetArrayLength()} decoded texts equal");
        Assert.Equal(0, wrong);
    }

    [Theory]
    [MemberData(nameof(Vocabularies))]
    public void Decode_RandomIds_EqualReference(string name)
    {
        var tokenizer = Fixtures.Tokenizer(name);
        var cases = Fixtures.Json("tokenizers", name, "random-decode.json.gz");
        int wrong = 0, streamed = 0;
        foreach (var item in cases.EnumerateArray())
        {
            var list = Fixtures.Ids(item.GetProperty("ids"));
            var (keep, skip) = (item.GetProperty("keep").GetString(), item.GetProperty("skip").GetString());
            if (BatchDecoder.Decode(tokenizer.Tokens, list, skipSpecialTokens: false) != keep
                || BatchDecoder.Decode(tokenizer.Tokens, list, skipSpecialTokens: true) != skip)
                wrong++;
            if (Streamed(tokenizer, list, skip: false) != keep || Streamed(tokenizer, list, skip: true) != skip)
                streamed++;
        }

        var count = cases.GetArrayLength();
        output.WriteLine($"{name}: {count - wrong} of {count} equal, {count - streamed} when streamed");
        Assert.Equal(0, wrong);
        // A stream cannot take back what the reference replaces inside malformed runs of byte tokens.
        if (!tokenizer.Tokens.Plan.FallsBack)
            Assert.Equal(0, streamed);
    }

    [Fact]
    public void Encode_SeedPrompt_Gives66Ids()
    {
        var prompt = Fixtures.Json("seed", "llama3-prompt.json");
        var ids = Fixtures.Tokenizer("llama3").Encode(prompt.GetProperty("text").GetString()!);
        Assert.Equal(66, ids.Count);
        Assert.Equal(Fixtures.Ids(prompt.GetProperty("ids")), ids);
    }

    [Fact]
    public void Decode_SeedAnswer_GivesItsText()
    {
        var answer = Fixtures.Json("seed", "llama3-answer.json");
        var tokenizer = Fixtures.Tokenizer("llama3");
        var ids = Fixtures.Ids(answer.GetProperty("ids"));
        Assert.Equal(155, ids.Length);
        Assert.Equal(answer.GetProperty("keep_special_tokens").GetString(), BatchDecoder.Decode(tokenizer.Tokens, ids, false));
        Assert.Equal(answer.GetProperty("skip_special_tokens").GetString(), BatchDecoder.Decode(tokenizer.Tokens, ids, true));
    }

    private static string Streamed(HuggingFaceTokenizer tokenizer, int[] ids, bool skip)
    {
        var text = new ArrayBufferWriter<char>();
        var decoder = new IncrementalDecoder(tokenizer.Tokens, skip);
        foreach (var id in ids)
            decoder.Append(id, text);
        decoder.Flush(text);
        return text.WrittenSpan.ToString();
    }

    private void Compare(HuggingFaceTokenizer tokenizer, List<string> texts, JsonElement expected)
    {
        var wrong = new List<string>();
        for (var i = 0; i < texts.Count; i++)
        {
            var ids = tokenizer.Encode(texts[i]);
            if (!ids.SequenceEqual(Fixtures.Ids(expected[i])))
                wrong.Add($"{JsonSerializer.Serialize(texts[i])}: {string.Join(' ', ids)} instead of {expected[i]}");
        }

        output.WriteLine($"{texts.Count - wrong.Count} of {texts.Count} id lists equal");
        Assert.True(wrong.Count == 0, $"{wrong.Count} of {texts.Count} differ:\n" + string.Join('\n', wrong.Take(5)));
    }
}
