using Parley.Generator.V1;

namespace Parley.EndToEnd.Tests;

/// <summary>Waits for what a cancelled call causes on the other side of a socket; no test depends on how long it takes.</summary>
internal static class Eventually
{
    /// <summary>A hang ends the test; nothing is asserted about speed.</summary>
    private static readonly TimeSpan HangTime = TimeSpan.FromMinutes(1);

    /// <summary>Returns once nothing runs or waits and every block is free.</summary>
    public static Task NothingRunsAsync(DemoSystem system) =>
        LoadAsync(system, load => load is { RunningSequences: 0, QueuedRequests: 0, KvBlocksUsed: 0 });

    /// <summary>Returns once the Generator's load is as wanted.</summary>
    public static async Task LoadAsync(DemoSystem system, Func<GetLoadResponse, bool> isWanted)
    {
        using var hang = new CancellationTokenSource(HangTime);
        while (true)
        {
            var load = await system.Generator.GetLoadAsync(new GetLoadRequest(), cancellationToken: hang.Token);
            if (isWanted(load))
                return;
            await Task.Delay(5, hang.Token);
        }
    }
}
