using Parley.Tokenizer.Encoders.PreTokenizers;

namespace Parley.Tokenizer.Tests.Encoders;

public sealed class ShadowRegexTests
{
    [Fact]
    public void FindAll_PatternThatBacktracksWithoutEnd_GivesUp()
    {
        var regex = new ShadowRegex("(?:a|aa)+$", TimeSpan.FromMilliseconds(50));

        var fault = Assert.Throws<TextLimitException>(() => regex.FindAll(new string('a', 60) + "b", []));

        Assert.Contains("(?:a|aa)+$", fault.Message, StringComparison.Ordinal);
    }
}
