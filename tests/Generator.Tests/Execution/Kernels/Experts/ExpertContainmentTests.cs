using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Parley.Generator.Admission;
using Parley.Generator.Engine;
using Parley.Generator.Execution;
using Parley.Generator.Sequences;
using Parley.Generator.Streaming;
using Parley.Generator.Tests.Doubles;
using Parley.TestSupport;

namespace Parley.Generator.Tests.Execution.Kernels.Experts;

/// <summary>A model with mixtures of experts in the engine: a router that has NaN for one sequence ends that sequence.</summary>
public sealed class ExpertContainmentTests : IDisposable
{
    private static readonly RunnerOptions Options = new()
    {
        BlockTokens = 16,
        BlockCount = 40,
        StepTokensMax = 64,
        SequencesMax = 8,
        LogitRowsMax = 16,
        ContextTokensMax = 128,
        Threads = 2,
    };

    private readonly TemporaryFolder _folder = new();
    private readonly LogGuard _log = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();

    public void Dispose()
    {
        _services.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    public void Step_RouterThatIsNaNForOneSequence_EndsThatSequenceAndNoOther(int before)
    {
        uint[] first = EngineBench.Prompt(9)[..9], second = EngineBench.Prompt(30, 2);
        first = [.. first.Select(id => id % TinyModel.SpoiltToken)];
        second = [.. second.Select(id => id % TinyModel.SpoiltToken)];
        uint[] spoilt = [.. Enumerable.Repeat(5u, before), TinyModel.SpoiltToken];
        var alone = Answer(first)[0];

        var together = Answer(first, spoilt, second);

        Assert.Equal(12, alone.Ids.Length);
        Assert.Equal(alone.Ids, together[0].Ids);
        Assert.Equal(Answer(second)[0].Ids, together[2].Ids);
        Assert.Empty(together[1].Ids);
        Assert.Equal(FailureReason.ModelFault, together[1].End.Failure);
        Assert.Null(together[0].End.Failure);
    }

    /// <summary>The greedy answers of an engine that runs these prompts together, until all have ended.</summary>
    private List<(uint[] Ids, SequenceEnd End)> Answer(params uint[][] prompts)
    {
        var time = new FakeTimeProvider();
        var queue = new AdmissionQueue(16, 1000, time);
        var limits = new EngineLimits
        {
            ContextTokensMax = 128,
            StepTokensMax = 64,
            PrefillChunkTokens = 16,
            RunningSequencesMax = 8,
            SlowReaderMax = TimeSpan.FromSeconds(30),
            PriorityAging = TimeSpan.FromSeconds(10),
            StepFailuresMax = 3,
        };
        var runner = OnnxModelRunner.Create(TinyModel.Write(_folder.Path, experts: true), TinyModel.Manifest(), Options);
        var telemetry = new GeneratorTelemetry(_services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>());
        using var engine = new GenerationEngine(runner, [], limits, queue, time, telemetry, _log.CreateLogger("engine"));
        var sequences = prompts.Select((prompt, i) =>
            new Sequence($"s{i}", prompt, [], EngineBench.Greedy(12), new TokenStream(64, queue.Wake))).ToList();
        Assert.All(sequences, sequence => Assert.Equal(AdmissionResult.Accepted, queue.TryEnqueue(sequence)));
        for (var step = 0; step < 100 && sequences.Any(sequence => sequence.Stream.End is null); step++)
            engine.Step();
        return [.. sequences.Select(sequence => (EngineBench.Read(sequence), sequence.Stream.End!))];
    }
}
