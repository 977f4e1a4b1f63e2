using System.Buffers;
using System.Text.Json.Nodes;
using CsCheck;
using Parley.Tokenizer.Detokenization;
using Parley.Tokenizer.Encoders;
using Parley.Tokenizer.Tests.Doubles;
using Parley.TokenizerFormat;

namespace Parley.Tokenizer.Tests.Detokenization;

/// <summary>Whatever the ids and however they come, a stream shows what the whole list decodes to.</summary>
public sealed class IncrementalDecoderTests
{
    private static readonly HuggingFaceTokenizer Small = new(TokenizerFile.Parse(
        System.Text.Encoding.UTF8.GetBytes(SmallModel.TokenizerJson().ToJsonString())));

    // Byte fallback as in Llama 2: ids 0 to 255 are the bytes, then a few words.
    private static readonly HuggingFaceTokenizer Fallback = new(TokenizerFile.Parse(
        System.Text.Encoding.UTF8.GetBytes(ByteFallbackModel())));

    // Bytes of which many make characters, and words that end their runs.
    private static readonly Gen<int[]> FallbackIds = Gen.OneOf(Gen.Int[0, 255], Gen.Int[0x41, 0x44], Gen.Int[256, 259],
        Gen.Int[0, 9].Select(at => (new[] { 0xF0, 0x9F, 0x99, 0x82, 0xC3, 0xA4, 0x0A, 0xE4, 0xBD, 0xA0 })[at])).Array[0, 40];

    [Fact]
    public void Append_AnyIdsAnyCuts_EqualsWholeDecode() =>
        Gen.Select(Gen.Int[0, 304].Array[0, 60], Gen.Int[1, 7].Array[1, 60], Gen.Bool).Sample((ids, cuts, skip) =>
            Assert.Equal(BatchDecoder.Decode(Small.Tokens, ids, skip), Streamed(Small, ids, cuts, skip, 64)), iter: 3_000);

    [Fact]
    public void Append_AnyByteRunsAnyCuts_EqualsWholeDecode() =>
        Gen.Select(FallbackIds, Gen.Int[1, 7].Array[1, 60], Gen.Bool).Sample((ids, cuts, skip) =>
            Assert.Equal(BatchDecoder.Decode(Fallback.Tokens, ids, skip), Streamed(Fallback, ids, cuts, skip, 64)), iter: 10_000);

    [Fact]
    public void Append_RunsLongerThanTheBound_DifferOnlyWhereMalformed() =>
        Gen.Select(FallbackIds, Gen.Int[1, 7].Array[1, 60], Gen.Int[0, 6]).Sample((ids, cuts, bound) =>
        {
            var whole = BatchDecoder.Decode(Fallback.Tokens, ids, skipSpecialTokens: false);
            var streamed = Streamed(Fallback, ids, cuts, false, bound);
            // The cuts never matter, whatever the bound.
            Assert.Equal(streamed, Streamed(Fallback, ids, [1], false, bound));
            if (LongestMalformedRun(ids) <= bound)
                Assert.Equal(whole, streamed);
        }, iter: 10_000);

    [Fact]
    public void Append_ValidBytes_AreTheTextInEveryMode() =>
        Gen.Select(Gen.String[Gen.OneOf(Gen.Char['a', 'd'], Gen.Const('ä'), Gen.Const('你'), Gen.Const('\n')), 0, 30],
            Gen.Int[0, 9]).Sample((text, bound) =>
        {
            int[] ids = [.. System.Text.Encoding.UTF8.GetBytes(text).Select(value => (int)value)];
            Assert.Equal(text, Streamed(Fallback, ids, [1], false, bound));
        }, iter: 2_000);

    [Fact]
    public void Append_StopInAHeldRun_CountsTheTokensThroughIt()
    {
        var sequence = new SequenceDecoder(Fallback.Tokens, new SequenceSettings(["\n"], false, IncludeStop: false, [], 0), 64);
        Assert.Equal(("hi", 1), Read(256));
        Assert.Equal(("", 2), Read('a'));
        Assert.Equal(("", 4), Read('\n', 'b'));
        // The word ends the run; the stop in it was complete with the third token.
        var last = sequence.Append([257]);
        Assert.Equal(("a", 3, "\n", true), (last.Text, last.TokensRead, last.Stop, last.IsFinal));

        (string, int) Read(params uint[] ids)
        {
            var update = sequence.Append(ids);
            return (update.Text, update.TokensRead);
        }
    }

    [Fact]
    public void EncodeDecode_AnyText_ComesBack() =>
        Gen.String[Gen.OneOf(Gen.Char['a', 'z'], Gen.Char, Gen.Const(' '), Gen.Const('\''), Gen.Const('你')), 0, 40].Sample(text =>
        {
            // gRPC carries no lone surrogates.
            var valid = string.Concat(text.EnumerateRunes().Select(rune => rune.ToString()));
            Assert.Equal(valid, Small.Decode(Small.Encode(valid)));
        }, iter: 3_000);

    [Fact]
    public void Encode_TextsJoinedByAnAddedToken_AreThoseTextsAlone() =>
        Gen.Select(Gen.String[Gen.Char['a', 'z'], 0, 20], Gen.String[Gen.Char['a', 'z'], 0, 20]).Sample((left, right) =>
            Assert.Equal([.. Small.Encode(left), SmallModel.EndOfTurn, .. Small.Encode(right)], Small.Encode($"{left}<|eot_id|>{right}")),
            iter: 1_000);

    [Fact]
    public void Append_EmojiByteByByte_AppearsOnceComplete()
    {
        var decoder = new IncrementalDecoder(Small.Tokens, skipSpecialTokens: false, runBytesMax: 64);
        var text = new ArrayBufferWriter<char>();
        var lengths = new List<int>();
        foreach (var value in System.Text.Encoding.UTF8.GetBytes("🙂"))
        {
            decoder.Append(value, text);
            lengths.Add(text.WrittenCount);
        }

        Assert.Equal([0, 0, 0, 2], lengths);
    }

    private static string Streamed(HuggingFaceTokenizer tokenizer, int[] ids, int[] cuts, bool skip, int runBytesMax)
    {
        var sequence = new SequenceDecoder(tokenizer.Tokens, new SequenceSettings([], skip, IncludeStop: false, [], 0), runBytesMax);
        var text = "";
        for (int start = 0, i = 0; start < ids.Length; i++)
        {
            var length = Math.Min(cuts[i % cuts.Length], ids.Length - start);
            text += sequence.Append([.. ids.Skip(start).Take(length).Select(id => (uint)id)]).Text;
            start += length;
        }

        return text + sequence.End().Text;
    }

    private static int LongestMalformedRun(int[] ids)
    {
        var longest = 0;
        var run = new List<byte>();
        foreach (var id in ids.Append(256))
        {
            if (id < 256)
            {
                run.Add((byte)id);
                continue;
            }

            if (!System.Text.Unicode.Utf8.IsValid(run.ToArray()))
                longest = Math.Max(longest, run.Count);
            run.Clear();
        }

        return longest;
    }

    private static string ByteFallbackModel()
    {
        var vocabulary = new JsonObject();
        for (var value = 0; value < 256; value++)
            vocabulary[$"<0x{value:X2}>"] = value;
        string[] words = ["hi", "▁you", "▁", "x"];
        for (var i = 0; i < words.Length; i++)
            vocabulary[words[i]] = 256 + i;
        return new JsonObject
        {
            ["decoder"] = JsonNode.Parse("""
                {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
                 {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
                """),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["byte_fallback"] = true,
                ["fuse_unk"] = true,
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray(),
            },
        }.ToJsonString();
    }
}
