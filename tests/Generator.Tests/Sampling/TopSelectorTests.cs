using CsCheck;
using Parley.Generator.Sampling;

namespace Parley.Generator.Tests.Sampling;

public sealed class TopSelectorTests
{
    [Fact]
    public void NthBestAndBest_AnyValues_EqualASort() =>
        Gen.Select(Gen.Int[-20, 20].Array[1, 200], Gen.Int[1, 200]).Sample((integers, n) =>
        {
            var values = integers.Select(i => (float)i).ToArray();
            n = Math.Min(n, values.Length);
            var sorted = values.Select((value, index) => (value, index)).OrderByDescending(v => v.value).ThenBy(v => v.index).ToArray();
            var best = new int[n];
            TopSelector.Best(values, best);
            return TopSelector.NthBest(values, new float[n]) == sorted[n - 1].value && best.SequenceEqual(sorted.Take(n).Select(v => v.index));
        }, seed: "0N0XIzNsQ0O2", iter: 500);
}
