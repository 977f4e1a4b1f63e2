using Parley.Gateway.Access;

namespace Parley.Gateway.Tests.Access;

public sealed class KeyHashTests
{
    [Fact]
    public void NewKey_IsKnownByItsBeginningAndHas256Bits()
    {
        var (first, second) = (KeyHash.NewKey(), KeyHash.NewKey());

        Assert.Matches("^parley_[0-9a-f]{64}$", first);
        Assert.NotEqual(first, second);
        Assert.Null(KeyHash.Fault(first));
    }

    [Fact]
    public void Of_AKey_IsWhatSha256sumSays() =>
        Assert.Equal("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", KeyHash.Of("abc"));

    [Theory]
    [InlineData("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", true)]
    [InlineData("SHA256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD", true)]
    [InlineData("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", false)]
    [InlineData("sha256:ba7816", false)]
    [InlineData("sha256:xa7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", false)]
    [InlineData("", false)]
    public void Parse_AText_TakesHashesAlone(string text, bool isHash)
    {
        var bytes = KeyHash.Parse(text);

        Assert.Equal(isHash, bytes is not null);
        if (isHash)
            Assert.Equal(KeyHash.BytesOf("abc"), bytes);
    }

    [Theory]
    [InlineData("team-a.2", null)]
    [InlineData("", "is no name of a caller")]
    [InlineData("two words", "is no name of a caller")]
    [InlineData("oidc:x", "is no name of a caller")]
    [InlineData("Other", "is a name that metrics use otherwise")]
    public void NameFault_OfAName_SaysWhy(string name, string? fault)
    {
        if (fault is null)
            Assert.Null(KeyHash.NameFault(name));
        else
            Assert.StartsWith(fault, KeyHash.NameFault(name), StringComparison.Ordinal);
    }
}
