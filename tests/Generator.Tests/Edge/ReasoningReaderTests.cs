using Google.Rpc;
using Wire = Parley.Generator.V1;

namespace Parley.Generator.Tests.Edge;

/// <summary>A budget of reasoning as sent: what it means, and what is wrong with it.</summary>
public sealed class ReasoningReaderTests
{
    [Fact]
    public void Read_ABudget_IsTakenAsItStands()
    {
        var wire = new Wire.ReasoningBudget
        {
            Openings = { new Wire.TokenRun { Ids = { 5 } } },
            Closings = { new Wire.TokenRun { Ids = { 6, 7 } } },
            ClosingIds = { 6, 7, 8 },
            TokensMax = uint.MaxValue,
        };
        var budget = ReasoningReader.Read(wire, new GeneratorOptions(), 64, [])!;
        Assert.Equal((false, int.MaxValue), (budget.IsOpen, budget.TokensMax));
        Assert.Equal(5u, Assert.Single(Assert.Single(budget.Openings)));
        Assert.Equal([6u, 7], Assert.Single(budget.Closings));
        Assert.Equal([6u, 7, 8], budget.ClosingIds);
        Assert.Null(ReasoningReader.Read(null, new GeneratorOptions(), 64, []));
    }

    [Fact]
    public void Read_WhatIsWrong_IsNamed()
    {
        Assert.Equal(
            ["sampling.reasoning_budget.closing_ids", "sampling.reasoning_budget.openings"], Faults(new Wire.ReasoningBudget()));
        Assert.Equal(
            [
                "sampling.reasoning_budget.closing_ids[1]", "sampling.reasoning_budget.openings[0]",
                "sampling.reasoning_budget.closings[0].ids[0]",
            ],
            Faults(new Wire.ReasoningBudget
            {
                Openings = { new Wire.TokenRun() },
                Closings = { new Wire.TokenRun { Ids = { 64 } } },
                ClosingIds = { 63, 64 },
            }));
        Assert.Equal(
            ["sampling.reasoning_budget.openings"],
            Faults(new Wire.ReasoningBudget
            {
                Openings = { Enumerable.Range(0, 4097).Select(_ => new Wire.TokenRun { Ids = { 1 } }) },
                ClosingIds = { 1 },
            }));
    }

    private static string[] Faults(Wire.ReasoningBudget wire)
    {
        var violations = new List<BadRequest.Types.FieldViolation>();
        Assert.Null(ReasoningReader.Read(wire, new GeneratorOptions(), 64, violations));
        return [.. violations.Select(violation => violation.Field)];
    }
}
