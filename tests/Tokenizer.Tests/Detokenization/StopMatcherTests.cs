using CsCheck;
using Parley.Tokenizer.Detokenization;

namespace Parley.Tokenizer.Tests.Detokenization;

/// <summary>Any stops, any text: the first stop is found, and nothing is held back that could not become one.</summary>
public sealed class StopMatcherTests
{
    private static readonly Gen<string> Letters = Gen.String[Gen.Char['a', 'c'], 1, 5];

    [Fact]
    public void Read_AnyStops_FindsTheFirstToComplete() =>
        Gen.Select(Letters.Array[1, 4], Gen.String[Gen.Char['a', 'c'], 0, 30]).Sample((stops, text) =>
        {
            var matcher = new StopMatcher(stops);
            var end = 0;
            while (end < text.Length && matcher.Read(text[end]) != StopMatcher.State.Stopped)
                end++;
            // The plain way: the shortest prefix of the text that ends with a stop, and of the stops there the longest.
            var expected = Enumerable.Range(1, text.Length).FirstOrDefault(length => stops.Any(stop => text[..length].EndsWith(stop)), -1);
            Assert.Equal(expected, matcher.Stop is null ? -1 : end + 1);
            if (expected > 0)
                Assert.Equal(stops.Where(stop => text[..expected].EndsWith(stop)).Max(stop => stop.Length), matcher.Stop!.Length);
        }, iter: 5_000);

    [Fact]
    public void HeldLength_AnyText_IsTheLongestPossibleStart() =>
        Gen.Select(Letters.Array[1, 4], Gen.String[Gen.Char['a', 'c'], 1, 30]).Sample((stops, text) =>
        {
            var matcher = new StopMatcher(stops);
            for (var i = 0; i < text.Length; i++)
            {
                if (matcher.Read(text[i]) == StopMatcher.State.Stopped)
                    return;
                var seen = text[..(i + 1)];
                var expected = stops.Max(stop => Enumerable.Range(0, Math.Min(stop.Length, seen.Length + 1))
                    .Where(length => seen.EndsWith(stop[..length])).Max());
                Assert.Equal(expected, matcher.HeldLength);
            }
        }, iter: 5_000);
}
