using System.Buffers;
using CsCheck;
using Parley.Tokenizer.Detokenization;
using Parley.Tokenizer.Encoders;
using Parley.Tokenizer.Tests.Doubles;
using Parley.Tokenizer.Vocabulary;

namespace Parley.Tokenizer.Tests.Detokenization;

/// <summary>Whatever the ids and however they come, a stream shows what the whole list decodes to.</summary>
public sealed class IncrementalDecoderTests
{
    private static readonly HuggingFaceTokenizer Small = new(TokenizerFile.Parse(
        System.Text.Encoding.UTF8.GetBytes(SmallModel.TokenizerJson().ToJsonString())));

    [Fact]
    public void Append_AnyIdsAnyCuts_EqualsWholeDecode() =>
        Gen.Select(Gen.Int[0, 304].Array[0, 60], Gen.Int[1, 7].Array[1, 60], Gen.Bool).Sample((ids, cuts, skip) =>
        {
            var sequence = new SequenceDecoder(Small.Tokens, [], skip, includeStop: false);
            var text = "";
            for (int start = 0, i = 0; start < ids.Length; i++)
            {
                var length = Math.Min(cuts[i % cuts.Length], ids.Length - start);
                text += sequence.Append([.. ids.Skip(start).Take(length).Select(id => (uint)id)]).Text;
                start += length;
            }

            text += sequence.End().Text;
            Assert.Equal(BatchDecoder.Decode(Small.Tokens, ids, skip), text);
        }, iter: 3_000);

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
        var decoder = new IncrementalDecoder(Small.Tokens, skipSpecialTokens: false);
        var text = new ArrayBufferWriter<char>();
        var lengths = new List<int>();
        foreach (var value in System.Text.Encoding.UTF8.GetBytes("🙂"))
        {
            decoder.Append(value, text);
            lengths.Add(text.WrittenCount);
        }

        Assert.Equal([0, 0, 0, 2], lengths);
    }
}
