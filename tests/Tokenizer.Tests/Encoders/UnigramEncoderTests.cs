using System.Text;
using Parley.Tokenizer.Encoders;
using Parley.TokenizerFormat;

namespace Parley.Tokenizer.Tests.Encoders;

/// <summary>Unigram models that name no token for unknown text; each answer is that of Hugging Face's tokenizers 0.23.</summary>
public sealed class UnigramEncoderTests
{
    [Theory]
    [InlineData("null", "ab", new[] { 4 })]
    [InlineData("null", "aab▁a", new[] { 1, 4, 2 })]
    [InlineData("null", "", new int[0])]
    [InlineData("0", "axb", new[] { 1, 0, 3 })]
    [InlineData("0", "xya", new[] { 0, 1 })]
    public void Encode_CoveredText_NeedsNoUnknownId(string unknownId, string text, int[] ids) =>
        Assert.Equal(ids, Load(unknownId).Encode(text));

    [Theory]
    [InlineData("axb", "\"x\" (U+0078)")]
    [InlineData("a🦙", "\"🦙\" (U+1F999)")]
    [InlineData("cb", "\"c\" (U+0063)")]
    public void Encode_UncoveredText_NamesTheCharacter(string text, string expected)
    {
        var tokenizer = Load("null");
        Assert.Contains(expected, Assert.Throws<UncoveredTextException>(() => tokenizer.Encode(text)).Message);
        // And the tokenizer goes on.
        Assert.Equal([4], tokenizer.Encode("ab"));
    }

    [Theory]
    [InlineData("7")]
    [InlineData("-1")]
    public void Load_UnknownIdOutsideTheVocabulary_IsRefused(string unknownId) =>
        Assert.Contains("unk_id", Assert.Throws<InvalidDataException>(() => Load(unknownId)).Message);

    // "cb" is a token, "c" is none: the reference wants one for each single character.
    private static HuggingFaceTokenizer Load(string unknownId) => new(TokenizerFile.Parse(Encoding.UTF8.GetBytes($$$"""
        {"model": {"type": "Unigram", "unk_id": {{{unknownId}}},
         "vocab": [["▁", -2.0], ["a", -1.0], ["▁a", -1.5], ["b", -3.0], ["ab", -3.5], ["cb", -1.0]]}}
        """)));
}
