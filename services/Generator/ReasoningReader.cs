using Google.Protobuf.Collections;
using Google.Rpc;
using Parley.Generator.Sequences;
using Wire = Parley.Generator.V1;

namespace Parley.Generator;

/// <summary>Reads how long an answer may reason (<c>sampling.reasoning_budget</c>).</summary>
internal static class ReasoningReader
{
    private const string Field = "sampling.reasoning_budget";

    /// <summary>Reads it and adds everything wrong with it to the violations.</summary>
    /// <param name="wire">As sent; null is no budget.</param>
    /// <param name="options">Say how many ids a list may hold.</param>
    /// <param name="vocabularySize">Ids of the model.</param>
    /// <param name="violations">Grows.</param>
    public static ReasoningBudget? Read(
        Wire.ReasoningBudget? wire, GeneratorOptions options, int vocabularySize, List<BadRequest.Types.FieldViolation> violations)
    {
        if (wire is null)
            return null;
        var known = violations.Count;
        if (wire.ClosingIds.Count == 0)
            violations.AddFault($"{Field}.closing_ids", "is empty: it is not known how the reasoning is ended.");
        if (!wire.IsOpen && wire.Openings.Count == 0)
            violations.AddFault($"{Field}.openings", "is empty, and is_open is false: nothing of the answer would be reasoning.");
        violations.CheckIds($"{Field}.closing_ids", wire.ClosingIds, vocabularySize);
        CheckRuns("openings", wire.Openings, options, vocabularySize, violations);
        CheckRuns("closings", wire.Closings, options, vocabularySize, violations);
        if (wire.ClosingIds.Count > options.ListedTokenIdsMax)
        {
            violations.AddFault(
                $"{Field}.closing_ids", $"has {wire.ClosingIds.Count} ids, {options.ListedTokenIdsMax} are allowed.");
        }

        return violations.Count > known ? null : new ReasoningBudget(
            wire.IsOpen, [.. wire.Openings.Select(run => run.Ids.ToArray())], [.. wire.Closings.Select(run => run.Ids.ToArray())],
            [.. wire.ClosingIds], (int)Math.Min(wire.TokensMax, int.MaxValue));
    }

    private static void CheckRuns(
        string name, RepeatedField<Wire.TokenRun> runs, GeneratorOptions options, int vocabularySize,
        List<BadRequest.Types.FieldViolation> violations)
    {
        var count = runs.Sum(run => (long)run.Ids.Count);
        if (count > options.ListedTokenIdsMax)
        {
            violations.AddFault($"{Field}.{name}", $"has {count} ids, {options.ListedTokenIdsMax} are allowed.");
            return;
        }

        for (var i = 0; i < runs.Count; i++)
        {
            if (runs[i].Ids.Count == 0)
                violations.AddFault($"{Field}.{name}[{i}]", "is empty.");
            violations.CheckIds($"{Field}.{name}[{i}].ids", runs[i].Ids, vocabularySize);
        }
    }
}
