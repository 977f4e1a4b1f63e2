using System.Globalization;

namespace Parley.Generator.Tests.Engine;

/// <summary>Lives of the engine by the hundred; <c>PARLEY_SIMULATION_SEEDS=10000</c> for as many as one likes.</summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private const int SeedsInTheSuite = 1000;

    [Fact]
    public void Engine_AnyLife_KeepsItsInvariantsAndSaysWhatTheModelSays()
    {
        var wanted = Environment.GetEnvironmentVariable("PARLEY_SIMULATION_SEEDS");
        var seeds = int.TryParse(wanted, CultureInfo.InvariantCulture, out var given) ? given : SeedsInTheSuite;
        var (accepted, preemptions, cached, completed, taken, evicted) = (0L, 0L, 0L, 0L, 0L, 0L);
        for (var seed = 0; seed < seeds; seed++)
        {
            using var simulation = new Simulation(seed);
            try
            {
                simulation.Run();
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"Seed {seed} of {seeds}.", exception);
            }

            accepted += simulation.Accepted;
            preemptions += simulation.Preemptions;
            cached += simulation.Cached;
            completed += simulation.Completed;
            taken += simulation.SnapshotsTaken;
            evicted += simulation.SnapshotsEvicted;
        }

        output.WriteLine(
            $"{seeds} lives: {completed} whole answers, {accepted} drafted tokens right, {preemptions} preemptions, "
            + $"{cached} prompt tokens shared.");
        output.WriteLine($"{taken} snapshots were gone on from, {evicted} gave way.");
        Assert.True(taken > seeds / 4 && evicted > seeds / 4, "The states are too quiet.");
        Assert.True(accepted > seeds && preemptions > seeds / 2 && cached > seeds && completed > seeds, "The lives are too quiet.");
    }
}
