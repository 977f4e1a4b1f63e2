using Parley.Generator.Sequences;
using Parley.Generator.Tests.Doubles;

namespace Parley.Generator.Tests.Engine;

/// <summary>Same request and seed, same tokens: alone, in company, preempted, drafted, resumed elsewhere, with every processor.</summary>
public sealed class ProcessorReplayTests
{
    private static readonly Dictionary<string, ProcessorSettings> Each = new()
    {
        ["encoder_repetition_penalty"] = new() { EncoderRepetitionPenalty = 1.4f },
        ["last_n_penalties"] = new() { PenaltyLastTokens = 5 },
        ["dry"] = new() { Dry = new(0.9f, 1.6f, 1, 12, new Dictionary<uint, IReadOnlyList<uint[]>> { [7] = [[], [14]], [21] = [[28]] }) },
        ["length_decay"] = new() { LengthDecay = new(4, 1.2f) },
        ["top_n_sigma"] = new() { TopNSigma = 1.5f },
        ["dynamic_temperature"] = new() { DynamicTemperature = new(0.5f, 1.5f) },
        ["top_h"] = new() { TopH = 0.6f },
        ["epsilon"] = new() { EpsilonCutoff = 0.02f },
        ["eta"] = new() { EtaCutoff = 0.05f },
        ["xtc"] = new() { Xtc = new(0.5f, 0.08f) },
        ["all"] = new()
        {
            EncoderRepetitionPenalty = 1.1f,
            PenaltyLastTokens = 9,
            LengthDecay = new(6, 1.05f),
            TopNSigma = 2.5f,
            TopH = 0.9f,
            Dry = new(0.5f, 1.3f, 1, 30, new Dictionary<uint, IReadOnlyList<uint[]>>()),
            DynamicTemperature = new(0.3f, 1),
            EpsilonCutoff = 0.002f,
            EtaCutoff = 0.002f,
            Xtc = new(0.3f, 0.05f),
        },
        ["mirostat 1"] = new() { Mirostat = new(1, 3, 0.2f) },
        ["mirostat 2"] = new() { Mirostat = new(2, 3, 0.2f) },
    };

    public static TheoryData<string> Names => [.. Each.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Step_InCompanyAndPreempted_GivesTheTokensThatItGivesAlone(string name)
    {
        var requests = Requests(name);
        var alone = requests.Select(request => Run([request]).Single()).ToList();

        Assert.Equal(alone, Run(requests));
        Assert.Equal(alone, Run(requests, blockCount: 20));
        Assert.Equal(alone, Run(requests, draftTokensMax: 4));
        Assert.True(alone.Select(answer => string.Join(' ', answer)).Distinct().Count() > 6, "The seeds were meant to matter.");

        // It is the processor that is replayed: without it the answers are others.
        Assert.NotEqual(alone, Run([.. requests.Select(request => (request.Prompt, request.Parameters with { Processors = null }))]));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Step_ResumedInAnotherProcess_GoesOnWithTheSameTokens(string name)
    {
        // What mirostat has learnt is not in the tokens: the edge refuses that (SamplingReaderTests).
        if (Each[name].Mirostat is not null)
            return;
        var (prompt, parameters) = Requests(name)[2];
        var whole = Run([(prompt, parameters)]).Single();
        for (var delivered = 1; delivered < whole.Length; delivered += 4)
        {
            using var bench = new EngineBench();
            var sequence = bench.Submit(prompt, parameters, resumed: whole[..delivered]);
            bench.Drive();
            Assert.Equal(whole[delivered..], EngineBench.Read(sequence));
        }
    }

    private static List<(uint[] Prompt, SamplingParameters Parameters)> Requests(string name) =>
    [
        .. Enumerable.Range(0, 8).Select(i => (
            EngineBench.Prompt(6, (uint)i),
            EngineBench.Sampled((ulong)i, 24) with
            {
                IgnoreEos = Each[name].LengthDecay is null,
                TopK = 0,
                TopP = 1,
                BadRuns = [[3], [5, 12]],
                RunBias = [new([9, 16], 2), new([30], 1)],
                RepetitionPenalty = Each[name].PenaltyLastTokens is null ? 1 : 1.3f,
                FrequencyPenalty = Each[name].PenaltyLastTokens is null ? 0 : 0.4f,
                Processors = Each[name],
            })),
    ];

    private static List<uint[]> Run(
        List<(uint[] Prompt, SamplingParameters Parameters)> requests, int blockCount = 64, int draftTokensMax = 0)
    {
        using var bench = new EngineBench(new ScriptedModelRunner(blockCount) { FreeTokens = 8 }, draftTokensMax: draftTokensMax);
        var sequences = requests.Select(request => bench.Submit(request.Prompt, request.Parameters)).ToList();
        bench.Drive();
        if (blockCount < 64 && requests.TrueForAll(request => request.Parameters.IgnoreEos))
            Assert.True(bench.Engine.Snapshot.Preemptions > 0, "The pool was meant to run short.");
        return [.. sequences.Select(EngineBench.Read)];
    }
}
