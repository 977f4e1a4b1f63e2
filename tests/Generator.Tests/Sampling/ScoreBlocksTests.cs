using CsCheck;
using Parley.Generator.Sampling;
using Parley.Generator.Sequences;
using Parley.Generator.Streaming;
using Parley.Generator.Tests.Doubles;

namespace Parley.Generator.Tests.Sampling;

public sealed class ScoreBlocksTests
{
    [Fact]
    public void BestAndNthBest_AnyRow_EqualThoseOfTheWholeRow() =>
        Gen.Select(Gen.Int[-40, 40].Array[1, 3000], Gen.Int[1, 60]).ForAll(300, pair =>
        {
            var (integers, n) = pair;
            var scores = integers.Select(i => i == -40 ? float.NegativeInfinity : i / 4f).ToArray();
            n = Math.Min(n, scores.Length);
            var blocks = new ScoreBlocks(scores.Length);
            blocks.Read(scores);
            Assert.Equal(scores.Max(), blocks.Best);
            Assert.Equal(Array.IndexOf(scores, scores.Max()), blocks.IndexOfBest(scores));
            Assert.Equal(TopSelector.NthBest(scores, new float[n]), blocks.NthBest(scores, new float[n]));
        });

    [Theory]
    [InlineData(0)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(900)]
    [InlineData(999)]
    public void Best_ANumberThatIsNone_IsSeenWhereverItStands(int index)
    {
        var scores = Enumerable.Range(0, 1000).Select(i => (float)i).ToArray();
        scores[index] = float.NaN;
        var blocks = new ScoreBlocks(scores.Length);
        blocks.Read(scores);
        Assert.True(float.IsNaN(blocks.Best));
    }

    /// <summary>A traced request takes the stages one by one over all scores, any other only the best: same draw.</summary>
    [Fact]
    public void Sample_TemperatureAndTopKTogether_EqualTheStagesOneByOne() =>
        Gen.Select(Gen.Int[-3000, 3000].Array[2, 2000], Gen.Int[1, 80], Gen.Float[0.05f, 3f], Gen.ULong).ForAll(300, drawn =>
        {
            var (integers, topK, temperature, seed) = drawn;
            // Neighbouring floats: many become equal once they are divided.
            var five = BitConverter.SingleToInt32Bits(5);
            var logits = integers.Select(i => BitConverter.Int32BitsToSingle(five + i)).ToArray();
            var parameters = new SamplingParameters
            {
                Sample = true,
                Temperature = temperature,
                TopK = topK,
                TopP = 0.9f,
                Seed = seed,
                MaxTokens = 1,
            };
            var (fast, staged) = (new Sampler(logits.Length, []), new Sampler(logits.Length, []));
            var one = fast.Sample(logits, new Sequence("fast", [0], [], parameters, new TokenStream(1)), out _);
            var traced = parameters with { TraceCandidates = 1 };
            var other = staged.Sample(logits, new Sequence("staged", [0], [], traced, new TokenStream(1)), out _);
            Assert.Equal(staged.Candidates.Ids.ToArray(), fast.Candidates.Ids.ToArray());
            Assert.Equal(staged.Candidates.Scores.ToArray(), fast.Candidates.Scores.ToArray());
            Assert.Equal(other, one);
        });
}
