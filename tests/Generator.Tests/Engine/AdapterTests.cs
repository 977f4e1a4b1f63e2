using Parley.Generator.Adapters;
using Parley.Generator.Sequences;
using Parley.Generator.Tests.Adapters;
using Parley.Generator.Tests.Doubles;
using Parley.Generator.Tests.Execution;

namespace Parley.Generator.Tests.Engine;

/// <summary>
/// Sequences of several adapters in one engine. The scripted model's logits depend on the adapter, and it refuses a history of which a
/// token was computed with another one. Blocks hold 4 tokens.
/// </summary>
public sealed class AdapterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly AdapterShelf _shelf = new(AdapterFolder.Model(), new AdapterLimits(Count: 8, Bytes: 1 << 20, Rank: 8));

    public AdapterTests()
    {
        foreach (var name in new[] { "a", "b", "c" })
            _shelf.Load(name, AdapterFolder.WriteSmall(_folder.Path, name));
    }

    [Fact]
    public void Prefixes_AreSharedByTheSameAdapterAndByNobodyElse()
    {
        using var bench = new EngineBench();
        var prompt = EngineBench.Prompt(33);
        string?[] order = ["a", null, "b", "a", "b", null];
        int[] cached = [0, 0, 0, 32, 32, 32];
        for (var i = 0; i < order.Length; i++)
        {
            var sequence = Submit(bench, prompt, EngineBench.Greedy(6), order[i], out var expected);
            bench.Drive();
            Assert.Equal(cached[i], sequence.Stream.End!.Usage.CachedTokens);
            Assert.Equal(expected, EngineBench.Read(sequence));
        }

        bench.AssertEmpty();
    }

    /// <summary>Those that begin alike at once wait for and copy from their own kind only.</summary>
    [Fact]
    public void Prompts_OfRunningSequences_AreSharedWithinAnAdapter()
    {
        using var bench = new EngineBench(new ScriptedModelRunner(blockCount: 200));
        var prompt = EngineBench.Prompt(30);
        var submitted = Enumerable.Range(0, 12).Select(i =>
        {
            var sequence = Submit(bench, prompt, EngineBench.Sampled((ulong)i, 9), i % 4 == 3 ? null : $"{"abc"[i % 4]}", out var expected);
            return (sequence, expected);
        }).ToList();

        bench.Drive();

        foreach (var (sequence, expected) in submitted)
            Assert.Equal(expected, EngineBench.Read(sequence));
        Assert.Equal(8 * 29, bench.Engine.Snapshot.CachedTokens);
        bench.AssertEmpty();
    }

    /// <summary>Preempted, drafted, resumed, with states: each answer is what its adapter gives alone.</summary>
    [Theory]
    [InlineData(1, 0, false)]
    [InlineData(2, 5, false)]
    [InlineData(3, 0, true)]
    [InlineData(4, 5, true)]
    public void Sequences_OfAnySchedule_AreComputedWithTheirOwn(int seed, int draftTokens, bool states)
    {
        var random = new Random(seed);
        var runner = states ? ScriptedModelRunner.WithStates(24, blockCount: 48) : new ScriptedModelRunner(blockCount: 48);
        using var bench = new EngineBench(runner, runningMax: 6, contextTokensMax: 120, draftTokensMax: draftTokens);
        var shared = EngineBench.Prompt(60, 7);
        var submitted = new List<(Sequence Sequence, uint[] Expected)>();
        for (var i = 0; i < 30; i++)
        {
            uint[] prompt = [.. shared[..random.Next(1, 50)], .. EngineBench.Prompt(random.Next(1, 12), (uint)random.Next(2))];
            var name = random.Next(4) is var which && which == 3 ? null : $"{"abc"[which]}";
            var sequence = Submit(bench, prompt, EngineBench.Greedy(random.Next(1, 50)), name, out var expected);
            submitted.Add((sequence, expected));
            for (var step = random.Next(8); step > 0; step--)
                bench.Step();
        }

        bench.Drive();

        foreach (var (sequence, expected) in submitted)
            Assert.Equal(expected, EngineBench.Read(sequence));
        Assert.True(bench.Engine.Totals.CachedTokens > 0, "no prefix was shared");
        Assert.True(bench.Engine.Totals.Preemptions > 0, "nobody was preempted");
        bench.AssertEmpty();
        AssertNobodyHolds();
    }

    [Fact]
    public void Resume_WithAnAdapter_GoesOnAsItBegan()
    {
        using var bench = new EngineBench();
        var prompt = EngineBench.Prompt(9);
        var whole = Submit(bench, prompt, EngineBench.Sampled(5, 12) with { IgnoreEos = true }, "b", out var expected);
        bench.Drive();
        Assert.Equal(expected, EngineBench.Read(whole));

        var rest = bench.Submit(
            prompt, EngineBench.Sampled(5, 12) with { IgnoreEos = true }, resumed: expected[..5], adapter: _shelf.Hold("adapter", "b"));
        bench.Drive();

        Assert.Equal(expected[5..], EngineBench.Read(rest));
    }

    [Fact]
    public void Unload_DuringAnAnswer_LeavesItAsItIs()
    {
        using var bench = new EngineBench();
        var sequence = Submit(bench, EngineBench.Prompt(9), EngineBench.Greedy(20), "a", out var expected);
        var bytes = _shelf.Bytes;
        for (var i = 0; i < 5; i++)
            bench.Step();

        Assert.Equal(1, _shelf.Unload("a"));
        Assert.Throws<AdapterException>(() => _shelf.Hold("adapter", "a"));
        Assert.Equal(bytes, _shelf.Bytes);
        bench.Drive();

        Assert.Equal(expected, EngineBench.Read(sequence));
        Assert.True(_shelf.Bytes < bytes, "the memory was not given back");
    }

    [Fact]
    public void Reload_UnderTheSameName_UsesNothingOfTheOldOne()
    {
        using var bench = new EngineBench();
        var prompt = EngineBench.Prompt(33);
        var before = Submit(bench, prompt, EngineBench.Greedy(6), "a", out var old);
        bench.Drive();
        _shelf.Load("a", AdapterFolder.WriteSmall(_folder.Path, "other", seed: 9));

        var after = Submit(bench, prompt, EngineBench.Greedy(6), "a", out var expected);
        bench.Drive();

        Assert.Equal(old, EngineBench.Read(before));
        Assert.Equal(expected, EngineBench.Read(after));
        Assert.NotEqual(old, expected);
        Assert.Equal(0, after.Stream.End!.Usage.CachedTokens);
    }

    /// <summary>However a sequence ends, it gives its adapter back.</summary>
    [Fact]
    public void Endings_OfEveryKind_GiveTheAdapterBack()
    {
        using var bench = new EngineBench(stepFailuresMax: 100);
        var cancelled = Submit(bench, EngineBench.Prompt(9), EngineBench.Greedy(50), "a", out _);
        bench.Step();
        cancelled.Cancel();
        bench.Step();
        Submit(bench, EngineBench.Prompt(9, 3), EngineBench.Greedy(50), "a", out _).Cancel();
        bench.Step();
        Submit(bench, EngineBench.Prompt(9, 4), EngineBench.Greedy(50), "a", out _);
        bench.Runner.BeforeRun = _ => throw new InvalidOperationException("device");
        bench.Step();
        bench.Runner.BeforeRun = null;
        Submit(bench, EngineBench.Prompt(9, 5), EngineBench.Greedy(50), "a", out _);
        bench.Step();
        bench.Engine.FailAll(FailureReason.ShuttingDown, "over");

        AssertNobodyHolds();
    }

    /// <summary>Numbers that are none, by an adapter's doing, end its own sequences and never the service.</summary>
    [Fact]
    public void Faults_OfAnAdapter_DoNotMakeTheServiceUnhealthy()
    {
        using var bench = new EngineBench();
        var mark = bench.Runner.MarkOf(Identity("a"));
        bench.Runner.LogitsOf = history => history[0] == mark
            ? [.. Enumerable.Repeat(float.NaN, 64)] : ScriptedModelRunner.HashedLogits(history, 64);
        for (var i = 0; i < 30; i++)
        {
            var broken = bench.Submit(EngineBench.Prompt(5), EngineBench.Greedy(4), adapter: _shelf.Hold("adapter", "a"));
            bench.Drive();
            Assert.Equal(FailureReason.ModelFault, broken.Stream.End!.Failure);
        }

        var sequence = Submit(bench, EngineBench.Prompt(5), EngineBench.Greedy(4), "b", out var expected);
        bench.Drive();
        Assert.Null(bench.Engine.UnhealthyReason);
        Assert.Equal(expected, EngineBench.Read(sequence));
    }

    public void Dispose()
    {
        _shelf.Dispose();
        _folder.Dispose();
    }

    private Sequence Submit(EngineBench bench, uint[] prompt, SamplingParameters parameters, string? name, out uint[] expected)
    {
        uint[] marks = name is null ? [] : [bench.Runner.MarkOf(Identity(name))];
        expected = EngineBench.Expected(
            prompt, parameters, logitsOf: history => ScriptedModelRunner.HashedLogits([.. marks, .. history], 64));
        return bench.Submit(prompt, parameters, adapter: name is null ? null : _shelf.Hold("adapter", name));
    }

    private long Identity(string name) => _shelf.Served.Single(adapter => adapter.Name == name).Weights.Identity;

    private void AssertNobodyHolds()
    {
        foreach (var adapter in _shelf.Served)
            Assert.Equal(0, _shelf.Unload(adapter.Name));
        Assert.Equal(0, _shelf.Bytes);
    }
}
