using CsCheck;
using Parley.Gateway.Chat;

namespace Parley.Gateway.Tests.Chat;

public sealed class ChoiceSeedTests
{
    [Fact]
    public void Derive_AnySeed_KeepsTheFirstAndSeparatesTheRest() => Gen.ULong.Sample(seed =>
    {
        var seeds = Enumerable.Range(0, 64).Select(choice => ChoiceSeed.Derive(seed, (uint)choice)).ToArray();
        Assert.Equal(seed, seeds[0]);
        Assert.Equal(64, seeds.Distinct().Count());
    });
}
