using CsCheck;
using Parley.Generator.Sampling;
using Parley.Generator.Tests.Doubles;

namespace Parley.Generator.Tests.Sampling;

public sealed class TopSelectorTests
{
    [Fact]
    public void NthBestAndBest_AnyValues_EqualASort() =>
        Gen.Select(Gen.Int[-20, 20].Array[1, 200], Gen.Int[1, 200]).ForAll(500, pair =>
        {
            var (integers, n) = pair;
            var values = integers.Select(i => (float)i).ToArray();
            n = Math.Min(n, values.Length);
            var sorted = values.Select((value, index) => (value, index)).OrderByDescending(v => v.value).ThenBy(v => v.index).ToArray();
            var best = new int[n];
            TopSelector.Best(values, best);
            Assert.Equal(sorted[n - 1].value, TopSelector.NthBest(values, new float[n]));
            Assert.Equal(sorted.Take(n).Select(v => v.index), best);
        });
}
