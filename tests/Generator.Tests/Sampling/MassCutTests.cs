using CsCheck;
using Parley.Generator.Sampling;
using Parley.Generator.Tests.Doubles;

namespace Parley.Generator.Tests.Sampling;

public sealed class MassCutTests
{
    [Fact]
    public void Find_AnyKeysAndMasses_EqualsSortAndRunningSum()
    {
        var element = Gen.Select(Gen.Int[0, 40].Select(i => i / 8f), Gen.Int[0, 1000]);
        var few = element.Array[1, 40];
        var many = Gen.Select(Gen.Float[-30, 10], Gen.Int[0, 1000]).Array[600, 3000];
        Gen.Select(Gen.OneOf(few, many), Gen.OneOf(Gen.Float[0, 1], Gen.Const(1f), Gen.Const(0f)), Gen.Bool).ForAll(400, tuple =>
        {
            var (elements, mark, mayEqual) = tuple;
            var keys = elements.Select(e => e.Item1).ToArray();
            var total = Math.Max(1, elements.Sum(e => e.Item2));
            var masses = elements.Select(e => e.Item2 / (float)total).ToArray();
            Assert.Equal(BySorting(keys, masses, mark, mayEqual), new MassCut(3000).Find(keys, masses, mark, mayEqual));
        });
    }

    private static int BySorting(float[] keys, float[] masses, float mark, bool mayEqual)
    {
        var order = Enumerable.Range(0, keys.Length).OrderBy(i => keys[i]).ThenBy(i => i).ToArray();
        var sum = 0.0;
        foreach (var index in order)
        {
            sum += masses[index];
            if (mayEqual ? (float)sum > mark : (float)sum >= mark)
                return index;
        }

        return order[^1];
    }
}
