using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Parley.Tokenizer.Detokenization;
using Parley.Tokenizer.Encoders;
using Parley.Tokenizer.Tests.Doubles;

namespace Parley.Tokenizer.Tests.Encoders;

/// <summary>Every case of the reference, id by id; the output says how many.</summary>
public sealed class TokenizerFixtureTests(ITestOutputHelper output)
{
    private static readonly int HeldBytes = new TokenizerOptions().ByteRunBytesMax;

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
                || Streamed(tokenizer, list, [list.Length / 2], skip: false, HeldBytes) != expected[i].GetString()
                || Streamed(tokenizer, list, [], skip: false, 0) != expected[i].GetString())
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
        int wrong = 0, live = 0;
        var random = new Random(11);
        foreach (var item in cases.EnumerateArray())
        {
            var list = Fixtures.Ids(item.GetProperty("ids"));
            var (keep, skip) = (item.GetProperty("keep").GetString(), item.GetProperty("skip").GetString());
            if (BatchDecoder.Decode(tokenizer.Tokens, list, skipSpecialTokens: false) != keep
                || BatchDecoder.Decode(tokenizer.Tokens, list, skipSpecialTokens: true) != skip)
                wrong++;
            // At every cut into two, then at random ones.
            for (var cut = 0; cut <= list.Length + 3; cut++)
            {
                var cuts = cut <= list.Length ? [cut] : RandomCuts(list.Length, random);
                Assert.Equal(keep, Streamed(tokenizer, list, cuts, skip: false, HeldBytes));
                Assert.Equal(skip, Streamed(tokenizer, list, cuts, skip: true, HeldBytes));
            }

            // As bytes come, only malformed runs may differ.
            if (Streamed(tokenizer, list, [], skip: false, 0) == keep)
                continue;
            live++;
            Assert.True(HasMalformedRun(tokenizer, list));
        }

        var count = cases.GetArrayLength();
        output.WriteLine($"{name}: {count - wrong} of {count} equal, all of them streamed at any cut; {count - live} in live mode");
        Assert.Equal(0, wrong);
        Assert.True(tokenizer.Tokens.Plan.FallsBack || live == 0);
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

    [Theory]
    [MemberData(nameof(Vocabularies))]
    public void Decode_EverySplitOfFixtureIds_IsTheWholeText(string name)
    {
        var tokenizer = Fixtures.Tokenizer(name);
        var ids = Fixtures.Json("tokenizers", name, "ids.json.gz");
        var expected = Fixtures.Json("tokenizers", name, "decoded.json.gz");
        var splits = 0L;
        for (var i = 0; i < ids.GetArrayLength(); i++)
        {
            var list = Fixtures.Ids(ids[i]);
            for (var cut = 0; cut <= list.Length; cut++)
                Assert.Equal(expected[i].GetString(), Streamed(tokenizer, list, [cut], skip: false, HeldBytes));
            Assert.Equal(expected[i].GetString(), Streamed(tokenizer, list, [.. Enumerable.Range(0, list.Length)], skip: false, HeldBytes));
            splits += list.Length + 2;
        }

        output.WriteLine($"{name}: {splits} splits of {ids.GetArrayLength()} cases");
    }

    private static int[] RandomCuts(int length, Random random) =>
        [.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => random.Next(length + 1)).Order()];

    private static bool HasMalformedRun(HuggingFaceTokenizer tokenizer, int[] ids)
    {
        var run = new List<byte>();
        foreach (var id in ids)
        {
            if (tokenizer.Tokens.IsByte(id))
                run.AddRange(tokenizer.Tokens.Bytes(id));
            else if (!System.Text.Unicode.Utf8.IsValid(run.ToArray()))
                return true;
            else
                run.Clear();
        }

        return !System.Text.Unicode.Utf8.IsValid(run.ToArray());
    }

    private static string Streamed(HuggingFaceTokenizer tokenizer, int[] ids, int[] cuts, bool skip, int runBytesMax)
    {
        var sequence = new SequenceDecoder(tokenizer.Tokens, new SequenceSettings([], skip, IncludeStop: false, [], 0), runBytesMax);
        var text = new StringBuilder();
        var start = 0;
        foreach (var cut in cuts.Append(ids.Length))
        {
            text.Append(sequence.Append(MemoryMarshal.Cast<int, uint>(ids.AsSpan(start..cut))).Text);
            start = cut;
        }

        return text.Append(sequence.End().Text).ToString();
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
