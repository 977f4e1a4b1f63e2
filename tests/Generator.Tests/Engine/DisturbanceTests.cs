using System.Globalization;

namespace Parley.Generator.Tests.Engine;

/// <summary>Disturbed lives by the thousand; <c>PARLEY_DISTURBANCE_SEEDS=100000</c> for as many as one likes.</summary>
public sealed class DisturbanceTests(ITestOutputHelper output)
{
    private const int SeedsInTheSuite = 1000;

    [Fact]
    public void Engine_WhateverOneRequestDoes_OthersStreamBitForBitAsAlone()
    {
        var wanted = Environment.GetEnvironmentVariable("PARLEY_DISTURBANCE_SEEDS");
        var seeds = int.TryParse(wanted, CultureInfo.InvariantCulture, out var given) ? given : SeedsInTheSuite;
        var undisturbed = new Dictionary<int, Disturbance.Answer>();
        var ends = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var (disturbers, preemptions) = (0, 0L);
        for (var seed = 0; seed < seeds; seed++)
        {
            using var life = new Disturbance(seed, undisturbed);
            try
            {
                life.Run();
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"Seed {seed} of {seeds}.", exception);
            }

            disturbers += life.Disturbers;
            preemptions += life.Preemptions;
            foreach (var (kind, count) in life.Ends)
                ends[kind] = ends.GetValueOrDefault(kind) + count;
        }

        output.WriteLine(
            $"{seeds} lives, {disturbers} disturbers, {preemptions} preemptions: "
            + string.Join(", ", ends.Select(end => $"{end.Value} {end.Key}")));
        string[] kinds =
        [
            "Cancelled", "DeadlineExceeded", "Eos", "Internal", "MaxTokens", "ModelFault", "NothingToChoose", "SlowReader", "StopToken",
        ];
        Assert.All(kinds, kind => Assert.True(ends.GetValueOrDefault(kind) > seeds / 100, $"The lives are too quiet: {kind}."));
        Assert.True(preemptions > 0, "Nobody was preempted.");
    }
}
