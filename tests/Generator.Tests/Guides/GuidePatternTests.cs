using System.Text;
using Parley.Generator.Guides;
using Parley.Generator.Guides.Limits;
using Parley.Generator.Guides.Vocabulary;

namespace Parley.Generator.Tests.Guides;

public sealed class GuidePatternTests
{
    [Theory]
    [InlineData("yes|no", "yes|no", "y|yess|maybe|")]
    [InlineData(@"^\d{3}-[^x]?$", "123-|123-é", "12-|123-x|123-éé|a123-")]
    [InlineData("(?:ab){2,3}", "abab|ababab", "ab|abababab")]
    public void Accepts_APattern_MatchesTheWholeText(string pattern, string accepted, string refused)
    {
        var guide = Guide.FromPattern(pattern, ByteVocabulary.Instance);
        Assert.All(accepted.Split('|'), text => Assert.True(ByteVocabulary.Accepts(guide, text), text));
        Assert.All(refused.Split('|'), text => Assert.False(ByteVocabulary.Accepts(guide, text), text));
    }

    [Fact]
    public void Accepts_Choices_AreTakenLiterally()
    {
        var guide = Guide.FromChoices(["a.b", "a", "ü"], ByteVocabulary.Instance);
        Assert.All(["a.b", "a", "ü"], text => Assert.True(ByteVocabulary.Accepts(guide, text), text));
        Assert.All(["axb", "", "b"], text => Assert.False(ByteVocabulary.Accepts(guide, text), text));
        Assert.Throws<GuideException>(() => Guide.FromChoices([], ByteVocabulary.Instance));
    }

    [Fact]
    public void FillMask_TokensWithPartsOfCharacters_AreAllowedWhereTheyCanGoOn()
    {
        // é is C3 A9; the tokens cut it, and hold it together with what stands beside it.
        byte[]?[] tokens = [null, "a"u8.ToArray(), [0xC3], [0xA9], [(byte)'a', 0xC3], [0xA9, (byte)'b'], "b"u8.ToArray(), [0xC4]];
        var matcher = Guide.FromPattern("aéb", new TokenVocabulary(tokens, [0])).Begin();
        Assert.Equal([1, 4], Allowed(matcher));
        Assert.True(matcher.TryTake(4));
        Assert.Equal([3, 5], Allowed(matcher));
        Assert.False(matcher.TryTake(1));
        Assert.True(matcher.TryTake(5));
        Assert.Equal([0], Allowed(matcher));
        Assert.Equal(Encoding.UTF8.GetByteCount("aéb"), matcher.Position);
    }

    private static int[] Allowed(GuideMatcher matcher)
    {
        var mask = new uint[1];
        matcher.FillMask(mask);
        return [.. Enumerable.Range(0, 32).Where(id => ((mask[0] >> id) & 1) != 0)];
    }
}
