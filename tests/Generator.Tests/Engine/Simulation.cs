using CsCheck;
using Parley.Generator.Admission;
using Parley.Generator.Sequences;
using Parley.Generator.Tests.Doubles;

namespace Parley.Generator.Tests.Engine;

/// <summary>
/// A life of the engine, drawn from one number: its sizes, who comes when with which prompt, who leaves, who reads slowly, when the device
/// fails. All invariants are checked after each step, and each answer against the one of a model that serves nobody else.
/// </summary>
internal sealed class Simulation : IDisposable
{
    private readonly PCG _chance;
    private readonly EngineBench _bench;
    private readonly List<Request> _requests = [];
    private readonly int _readersSlow;
    private readonly int _failures;

    public Simulation(int seed)
    {
        _chance = new PCG(11, (ulong)seed);
        var weight = Pick(0, 12);
        var runningMax = Pick(1, 8);
        var stepTokensMax = runningMax + Pick(0, 30);
        var (blockCount, blockTokens) = (Pick(8, 60), 1 << Pick(1, 4));
        HasStates = Chance(50);
        var stateSlots = HasStates ? runningMax + (Pick(0, 2) * Pick(0, 10)) : 0;
        var plain = ScriptedModelRunner.WithStates(1).Shape;
        var runner = new ScriptedModelRunner(blockCount, blockTokens)
        {
            Shape = plain with { States = HasStates ? plain.States : null, KeylessLayers = HasStates ? plain.KeylessLayers : null },
            StateSlots = stateSlots,
            LogitsOf = history => Logits(history, weight),
            FreeTokens = Pick(1, 6),
        };
        _readersSlow = Pick(0, 9);
        _failures = Pick(0, 2) * 4;
        _bench = new EngineBench(
            runner, runningMax, stepTokensMax, chunkTokens: Pick(1, stepTokensMax), queuedMax: Pick(4, 40), stepFailuresMax: 1_000_000,
            draftTokensMax: Pick(0, 1) * Pick(1, 6), stateSnapshotTokens: blockTokens * Pick(1, 4));
    }

    public long Accepted => _bench.Engine.Snapshot.AcceptedTokens;

    public long Preemptions => _bench.Engine.Snapshot.Preemptions;

    public long Cached => _bench.Engine.Snapshot.CachedTokens;

    public int Completed { get; private set; }

    /// <summary>The model has states beside keys and values.</summary>
    public bool HasStates { get; }

    public long SnapshotsTaken => _bench.Engine.Snapshot.StateSnapshotsTaken;

    public long SnapshotsEvicted => _bench.Engine.Snapshot.StateSnapshotsEvicted;

    public void Run()
    {
        for (var turn = Pick(20, 150); turn > 0; turn--)
        {
            if (Chance(25))
                Arrive();
            if (_requests.Count > 0 && Chance(8))
                _requests[Pick(0, _requests.Count - 1)].Sequence.Cancel();
            if (Chance(5))
                _bench.Time.Advance(TimeSpan.FromSeconds(Pick(1, 12)));
            Step(Chance(_failures));
            foreach (var request in _requests)
            {
                if (!Chance(_readersSlow * 10))
                    request.Read.AddRange(EngineBench.Read(request.Sequence));
            }
        }

        Finish();
    }

    public void Dispose() => _bench.Dispose();

    private void Arrive()
    {
        // Few beginnings, many ends, and some requests with several choices: most have something in common with another.
        var contextTokensMax = _bench.Engine.Limits.ContextTokensMax;
        uint[] whole = [.. EngineBench.Prompt(Pick(0, 40), (uint)Pick(0, 2)), .. EngineBench.Prompt(Pick(1, 12), (uint)Pick(3, 50))];
        var prompt = whole[..Math.Min(whole.Length, contextTokensMax - 1)];
        var choices = Chance(20) ? Pick(2, 6) : 1;
        for (var choice = 0; choice < choices; choice++)
        {
            var maxTokens = Pick(1, Math.Min(40, contextTokensMax - prompt.Length));
            var parameters = (Chance(50) ? EngineBench.Sampled((ulong)Pick(0, 9), maxTokens) : EngineBench.Greedy(maxTokens)) with
            {
                Priority = Pick(0, 2),
                IgnoreEos = Chance(50),
                FreeDraftsOnly = Chance(50),
                RepetitionPenalty = Chance(20) ? 1.1f : 1,
            };
            var deadline = Chance(15) ? _bench.Time.GetTimestamp() + (Pick(1, 40) * _bench.Time.TimestampFrequency) : long.MaxValue;
            var sequence = _bench.Make(prompt, parameters, Pick(1, 9), deadline);
            if (_bench.Queue.TryEnqueue(sequence) == AdmissionResult.Accepted)
                _requests.Add(new Request(prompt, sequence, []));
        }
    }

    private void Step(bool fails)
    {
        _bench.Runner.CopyFails = fails;
        _bench.Runner.BeforeRun = fails ? _ => throw new InvalidOperationException("device") : null;
        _bench.Step();
    }

    private void Finish()
    {
        for (var step = 0; _requests.Exists(request => request.Sequence.Stream.End is null); step++)
        {
            Assert.True(step < 5000, "The engine does not come to an end.");
            Step(fails: false);
            foreach (var request in _requests)
                request.Read.AddRange(EngineBench.Read(request.Sequence));
        }

        _bench.AssertEmpty();
        foreach (var (prompt, sequence, read) in _requests)
        {
            read.AddRange(EngineBench.Read(sequence));
            var end = sequence.Stream.End!;
            Assert.Equal(end.Usage.CompletionTokens, read.Count);
            Assert.InRange(end.Usage.CachedTokens, 0, prompt.Length - 1);
            var expected = EngineBench.Expected(
                prompt, sequence.Parameters, logitsOf: _bench.Runner.LogitsOf, contextTokensMax: _bench.Engine.Limits.ContextTokensMax);
            Assert.Equal(end.Failure is null ? expected : expected[..read.Count], read);
            Completed += end.Failure is null ? 1 : 0;
        }
    }

    private bool Chance(int percent) => Pick(0, 99) < percent;

    private int Pick(int least, int most) => least + (int)_chance.Next((uint)(most - least + 1));

    private static float[] Logits(uint[] history, int weight)
    {
        var logits = ScriptedModelRunner.HashedLogits(history, 64);
        if (history.Length >= 6)
            logits[history[^6]] += weight;
        return logits;
    }

    private sealed record Request(uint[] Prompt, Sequence Sequence, List<uint> Read);
}
