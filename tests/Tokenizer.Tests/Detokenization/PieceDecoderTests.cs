using System.Text;
using CsCheck;
using Parley.Tokenizer.Detokenization;
using static Parley.Tokenizer.Tests.Doubles.FallbackVocabulary;

namespace Parley.Tokenizer.Tests.Detokenization;

/// <summary>Pieces joined are the text, whatever the decoder drops or puts between them.</summary>
public sealed class PieceDecoderTests
{
    private static readonly Gen<int[]> Ids = Gen.OneOf(Gen.Int[256, 264], Gen.Int[0x41, 0x44], Gen.Int[256, 300]).Array[0, 12];

    [Theory]
    [InlineData("strip")]
    [InlineData("always")]
    [InlineData("first")]
    [InlineData("never")]
    [InlineData("none")]
    public void Next_AnyIds_JoinedAreTheText(string decoder) =>
        Gen.Select(Ids, Gen.Bool).Sample((ids, continues) =>
        {
            var tokens = Tokens(decoder == "none" ? null : decoder == "strip" ? StripDecoder : Metaspace(decoder));
            var pieces = new PieceDecoder(tokens, skipSpecialTokens: false, continues);
            var bytes = ids.Select(pieces.Next).ToArray();
            var text = BatchDecoder.Decode(tokens, ids, skipSpecialTokens: false, continues);
            Assert.Equal(text, string.Concat(bytes.Select(one => pieces.Text(one))));
            Assert.Equal(text, Encoding.UTF8.GetString([.. bytes.SelectMany(one => one)]));
        }, iter: 300);

    [Theory]
    [InlineData("strip", Is, false, "is")]
    [InlineData("strip", Is, true, " is")]
    [InlineData("always", SpacedLetters, false, "ab")]
    [InlineData("always", SpacedLetters, true, " a b")]
    [InlineData("never", Is, false, " is")]
    [InlineData("strip", User, false, "<|user|>")]
    [InlineData("strip", 0x0A, false, "\n")]
    [InlineData("strip", 0xE2, false, "\uFFFD")]
    [InlineData("strip", 999_999, false, "")]
    [InlineData("strip", -1, false, "")]
    public void Next_OneId_IsWhatItAdds(string decoder, int id, bool continues, string expected)
    {
        var pieces = new PieceDecoder(Tokens(decoder == "strip" ? StripDecoder : Metaspace(decoder)), false, continues);
        var bytes = pieces.Next(id);
        Assert.Equal(expected, pieces.Text(bytes));
        Assert.Equal(id == 0xE2 ? [0xE2] : Encoding.UTF8.GetBytes(expected), bytes);
    }

    [Theory]
    [InlineData("strip", Is, 1)]
    [InlineData("strip", X, 0)]
    [InlineData("always", 262, 2)]
    [InlineData("never", Is, 0)]
    [InlineData("none", X, 1)]
    [InlineData("strip", 5_000, 0)]
    public void DroppedAtStart_OneId_IsWhatATextLosesThatItOpens(string decoder, int id, int expected)
    {
        var tokens = Tokens(decoder == "none" ? null : decoder == "strip" ? StripDecoder : Metaspace(decoder));
        Assert.Equal(expected, PieceDecoder.DroppedAtStart(tokens, id));
    }
}
