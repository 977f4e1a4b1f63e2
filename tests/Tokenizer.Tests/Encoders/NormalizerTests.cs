using System.Text;
using Parley.Tokenizer.Encoders.Normalizers;
using Parley.TokenizerFormat;

namespace Parley.Tokenizer.Tests.Encoders;

/// <summary>
/// Every code point there is, between marks that it may change places with or melt into: the sum over all results as tokenizers 0.23.3
/// has it, whose tables are older than some runtimes'.
/// </summary>
public sealed class NormalizerTests
{
    [Theory]
    [InlineData("NFC", 1243791665346L)]
    [InlineData("NFD", 1865591874771L)]
    [InlineData("NFKC", 1243392987796L)]
    [InlineData("NFKD", 1864968566126L)]
    [InlineData("Lowercase", 1866923076030L)]
    [InlineData("StripAccents", 1240552306922L)]
    public void Normalize_EveryCodePointAmongMarks_EqualsReference(string type, long sumExpected)
    {
        var normalizer = Read(type);
        var sum = 0L;
        foreach (var point in Enumerable.Range(0, 0x110000).Where(point => point is < 0xD800 or > 0xDFFF))
        {
            var place = 0;
            foreach (var rune in normalizer.Normalize("e\u0301" + char.ConvertFromUtf32(point) + "\u0323").EnumerateRunes())
                sum += ++place * (long)rune.Value;
        }

        Assert.Equal(sumExpected, sum);
    }

    [Theory]
    [InlineData("NFC", "\u0ee2\ufffe,e\u0301", "\u0ee2\ufffe,\u00e9")]
    [InlineData("NFC", "e\uffff\u0301", "e\uffff\u0301")]
    [InlineData("NFD", "\ufffe", "\ufffe")]
    [InlineData("NFKC", "\u32ff\u32fe", "\u32ff\u30f2")]
    [InlineData("NFC", "\u0313\u0eba\u0321", "\u0313\u0eba\u0321")]
    public void Normalize_CharacterThatTheReferenceDoesNotKnow_StaysWhereItIs(string type, string text, string expected) =>
        Assert.Equal(expected, Read(type).Normalize(text));

    private static TextNormalizer Read(string type) => NormalizerReader.Read(TokenizerFile.Parse(Encoding.UTF8.GetBytes($$$"""
        {"version":"1.0","added_tokens":[],"normalizer":{"type":"{{{type}}}"},"pre_tokenizer":null,"post_processor":null,"decoder":null,
         "model":{"type":"BPE","vocab":{"a":0},"merges":[]}}
        """)).Normalizer!.Value);
}
