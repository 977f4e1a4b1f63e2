using CsCheck;
using Parley.Generator.Speculation;
using Parley.Generator.Tests.Doubles;

namespace Parley.Generator.Tests.Speculation;

public sealed class PromptLookupTests
{
    [Theory]
    [InlineData(new uint[] { 1, 2, 3, 9, 1, 2, 3 }, 3)]
    [InlineData(new uint[] { 1, 2, 7, 1, 2, 8, 1, 2 }, 5)]
    [InlineData(new uint[] { 5, 1, 2, 7, 6, 1, 2, 8, 5, 1, 2 }, 3)]
    [InlineData(new uint[] { 4, 4, 4 }, 2)]
    [InlineData(new uint[] { 1, 2, 3, 4 }, -1)]
    [InlineData(new uint[] { 1, 2, 9, 2 }, -1)]
    [InlineData(new uint[] { 1 }, -1)]
    public void Find_Tokens_TakesTheLongestThenTheLastPlace(uint[] tokens, int expected) =>
        Assert.Equal(expected, PromptLookup.Find(tokens));

    [Fact]
    public void DraftAcceptance_AnyCourse_StaysInItsBounds()
    {
        Gen.Select(Gen.Int[1, 16], Gen.Int[0, 16].Array[1, 300]).ForAll(200, course =>
        {
            var (most, outcomes) = course;
            var state = DraftAcceptance.Begin(most);
            foreach (var outcome in outcomes)
            {
                Assert.InRange(state.Length, 1, most);
                var drafted = state.DraftTokens;
                state = drafted == 0 ? state.AfterRest() : state.After(drafted, Math.Min(outcome, drafted), most);
            }
        });
    }

    [Fact]
    public void DraftAcceptance_AlwaysWrong_DraftsLessAndLess()
    {
        var state = DraftAcceptance.Begin(8);
        var drafted = 0;
        for (var step = 0; step < 2000; step++)
        {
            drafted += state.DraftTokens;
            state = state.DraftTokens == 0 ? state.AfterRest() : state.After(state.DraftTokens, 0, 8);
        }

        // 8 + 4 + 2 + 1, then one after each rest of 8, 16, … 512, 512 steps.
        Assert.InRange(drafted, 15, 25);
    }
}
