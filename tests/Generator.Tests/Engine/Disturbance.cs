using System.Collections.Frozen;
using CsCheck;
using Parley.Generator.Admission;
using Parley.Generator.Engine;
using Parley.Generator.Sampling;
using Parley.Generator.Sequences;
using Parley.Generator.Streaming;
using Parley.Generator.Tests.Doubles;

namespace Parley.Generator.Tests.Engine;

/// <summary>
/// A life of the engine, drawn from one number, in which bystanders stream while disturbers send whatever there is: settings at the edge of
/// arithmetic or that contradict each other, ids that do not exist, logits that are no numbers, callers who leave or do not read. The
/// bystanders' tokens and log-probabilities are compared bit for bit with those of an engine that serves nobody else.
/// </summary>
internal sealed class Disturbance : IDisposable
{
    private const int Vocabulary = 64;

    /// <summary>A prompt that begins with it belongs to a disturber.</summary>
    private const uint Mark = 62;

    private static readonly float[] Extremes =
    [
        float.Epsilon, 1e-44f, 1e-38f, 1e-31f, 1e-30f, 1e-10f, 0.1f, 0.7f, 1, 1.3f, 2, 100, 1e10f, 1e30f, 1e38f, float.MaxValue,
    ];

    private readonly PCG _chance;
    private readonly EngineBench _bench;
    private readonly Dictionary<int, Answer> _undisturbed;
    private readonly List<Request> _requests = [];
    private readonly Func<uint[], float[]> _logitsOf;

    /// <param name="seed">What happens.</param>
    /// <param name="undisturbed">Answers of bystanders by their number; grows.</param>
    public Disturbance(int seed, Dictionary<int, Answer> undisturbed)
    {
        _chance = new PCG(13, (ulong)seed);
        _undisturbed = undisturbed;
        _logitsOf = DisturbedLogits(Pick(0, 9), Pick(0, 4));
        var runner = new ScriptedModelRunner(blockCount: Pick(11, 30)) { LogitsOf = _logitsOf, FreeTokens = Pick(1, 4) };
        _bench = new EngineBench(
            runner, runningMax: Pick(2, 6), stepTokensMax: Pick(6, 24), chunkTokens: Pick(2, 6), draftTokensMax: Pick(0, 4));
    }

    /// <summary>How the disturbers ended, by kind.</summary>
    public Dictionary<string, int> Ends { get; } = [];

    public long Preemptions => _bench.Engine.Snapshot.Preemptions;

    public int Disturbers { get; private set; }

    public void Run()
    {
        for (var turn = 0; turn < 12; turn++)
        {
            if (turn < 3 || Chance(20))
                Add(Bystander(Pick(0, 11)));
            if (Chance(45) && Disturbers < 6)
                Add(Disturber());
            if (Chance(15) && _requests.FindAll(request => request.Number < 0) is { Count: > 0 } disturbers)
                disturbers[Pick(0, disturbers.Count - 1)].Sequence.Cancel();
            Step();
        }

        for (var step = 0; _requests.Exists(request => request.Sequence.Stream.End is null); step++)
        {
            Assert.True(step < 2000, "The engine does not come to an end.");
            if (step > 20)
                _bench.Time.Advance(TimeSpan.FromSeconds(31));
            Step(readAll: step > 40);
        }

        _bench.AssertEmpty();
        Assert.Null(_bench.Engine.UnhealthyReason);
        _requests.ForEach(Check);
    }

    public void Dispose() => _bench.Dispose();

    /// <summary>What a bystander's engine gives it when it is alone.</summary>
    private static Answer Alone(int number)
    {
        using var bench = new EngineBench();
        var request = Bystander(number);
        var sequence = bench.Submit(request.Prompt, request.Parameters);
        bench.Drive();
        var tokens = new List<StreamedToken>();
        sequence.Stream.ReadReady(tokens);
        return Answer.Of(tokens);
    }

    private static (int Number, uint[] Prompt, SamplingParameters Parameters) Bystander(int number)
    {
        var sampled = EngineBench.Sampled((ulong)number, 6 + number) with { Logprobs = true, TopLogprobs = 3 };
        var parameters = (number % 4) switch
        {
            0 => EngineBench.Greedy(5 + number),
            1 => sampled,
            2 => sampled with { RepetitionPenalty = 1.2f, PresencePenalty = 0.5f, TopK = 0, TypicalP = 0.9f },
            _ => EngineBench.Greedy(8) with { Logprobs = true, TopLogprobs = 2, NoRepeatNgramSize = 3 },
        };
        return (number, EngineBench.Prompt(3 + (number * 2), (uint)(number % 5)), parameters);
    }

    /// <summary>The model's logits, but for those who begin with the mark: at some length they are what no model should give.</summary>
    private static Func<uint[], float[]> DisturbedLogits(int kind, int length) => history =>
    {
        var logits = ScriptedModelRunner.HashedLogits(history, Vocabulary);
        if (history[0] != Mark || history.Length < 3 + length)
            return logits;
        var place = history.Length * 7 % Vocabulary;
        switch (kind)
        {
            case 0: logits[place] = float.NaN; break;
            case 1: Array.Fill(logits, float.NaN); break;
            case 2: logits[place] = float.PositiveInfinity; break;
            case 3: Array.Fill(logits, float.NegativeInfinity); break;
            case 4: Array.Fill(logits, float.NegativeInfinity, 0, place); break;
            case 5: Array.ForEach([.. Enumerable.Range(0, Vocabulary)], i => logits[i] *= 8e37f); break;
            case 6: Array.ForEach([.. Enumerable.Range(0, Vocabulary)], i => logits[i] *= 1e-44f); break;
            case 7: Array.Fill(logits, 1); break;
            default: break;
        }

        return logits;
    };

    private (int Number, uint[] Prompt, SamplingParameters Parameters) Disturber()
    {
        Disturbers++;
        var prompt = EngineBench.Prompt(Pick(2, 14), (uint)Pick(0, 4));
        (prompt[0], prompt[1]) = (Mark, Mark);
        var parameters = new SamplingParameters
        {
            Sample = Chance(80),
            Seed = (ulong)Pick(0, 9),
            MaxTokens = Pick(1, 12),
            IgnoreEos = Chance(50),
            Temperature = Chance(70) ? Extreme() : 1,
            TopK = Chance(50) ? Pick(0, 3) : Chance(50) ? int.MaxValue : 0,
            TopP = Chance(50) ? Math.Min(Extreme(), 1) : Chance(10) ? 0 : 1,
            MinP = Chance(50) ? Math.Min(Extreme(), 1) : 0,
            TypicalP = Chance(50) ? Math.Min(Extreme(), 1) : 1,
            RepetitionPenalty = Chance(40) ? Extreme() : 1,
            PresencePenalty = Chance(30) ? Signed() : 0,
            FrequencyPenalty = Chance(30) ? Signed() : 0,
            NoRepeatNgramSize = Chance(30) ? Pick(1, 3) : 0,
            LogitBias = Chance(30) ? [.. Ids(Pick(1, 4)).Select(id => KeyValuePair.Create(id, Signed()))] : [],
            AllowedTokenIds = Chance(25) ? [.. Ids(Pick(1, 5)).Distinct().Order()] : [],
            BannedTokenIds = Chance(25) ? Ids(Chance(30) ? 400 : Pick(1, 60)) : [],
            BeginBannedTokenIds = Chance(10) ? Ids(Pick(1, 4)) : [],
            ForcedLastTokenIds = Chance(10) ? Ids(2) : [],
            RunBias = Chance(10) ? [new([(uint)Pick(0, 63)], Chance(50) ? float.NegativeInfinity : Signed())] : [],
            BadRuns = Chance(10) ? [[(uint)Pick(0, 63)], [(uint)Pick(0, 63), (uint)Pick(0, 63)]] : [],
            Processors = Chance(30) ? Processors() : null,
            StopTokenIds = Chance(30) ? FrozenSet.ToFrozenSet(Ids(3).Select(id => (uint)id)) : [],
            MinTokens = Chance(30) ? Pick(0, 20) : 0,
            Logprobs = Chance(30),
            TopLogprobs = Pick(0, 64),
            TraceCandidates = Chance(20) ? Pick(1, 64) : 0,
            FreeDraftsOnly = Chance(50),
            Priority = Pick(-2, 2),
        };

        // The edge refuses an id that does not exist; behind it, it stands for any fault of ours in one sequence's arithmetic.
        if (Chance(10))
            parameters = parameters with { RepetitionPenalty = 1.5f, LogitBias = [KeyValuePair.Create(Vocabulary + 9, 1f)] };
        return (-1, prompt, parameters);
    }

    private ProcessorSettings Processors() => new()
    {
        EncoderRepetitionPenalty = Chance(30) ? Extreme() : 1,
        PenaltyLastTokens = Chance(30) ? Pick(1, 9) : null,
        Dry = Chance(30) ? new(Extreme(), 1 + Extreme(), Pick(0, 3), Pick(1, 20), new Dictionary<uint, IReadOnlyList<uint[]>>()) : null,
        LengthDecay = Chance(30) ? new(Pick(0, 4), Extreme()) : null,
        TopNSigma = Chance(30) ? Extreme() : 0,
        DynamicTemperature = Chance(30) ? new(Extreme(), Extreme()) : null,
        TopH = Chance(30) ? Math.Min(Extreme(), 1) : 0,
        EpsilonCutoff = Chance(30) ? Math.Min(Extreme(), 0.99f) : 0,
        EtaCutoff = Chance(30) ? Math.Min(Extreme(), 0.99f) : 0,
        Xtc = Chance(30) ? new(Math.Min(Extreme(), 1), Math.Min(Extreme(), 0.5f)) : null,
        Mirostat = Chance(30) ? new(Pick(1, 2), Extreme(), Math.Min(Extreme(), 1)) : null,
    };

    private void Add((int Number, uint[] Prompt, SamplingParameters Parameters) request)
    {
        var isDisturber = request.Number < 0;
        var deadline = isDisturber && Chance(10) ? _bench.Time.GetTimestamp() + _bench.Time.TimestampFrequency : long.MaxValue;
        var sequence = _bench.Make(request.Prompt, request.Parameters, isDisturber ? Pick(1, 4) : 64, deadline);
        if (_bench.Queue.TryEnqueue(sequence) == AdmissionResult.Accepted)
            _requests.Add(new Request(request.Number, sequence, isDisturber && Chance(15), []));
    }

    private void Step(bool readAll = false)
    {
        Assert.NotEqual(StepOutcome.Unhealthy, _bench.Step());
        foreach (var request in _requests)
        {
            if (readAll || !request.IsSlow)
                request.Sequence.Stream.ReadReady(request.Read);
        }
    }

    private void Check(Request request)
    {
        var (number, sequence, _, read) = request;
        sequence.Stream.ReadReady(read);
        var end = sequence.Stream.End!;
        if (number >= 0)
        {
            if (!_undisturbed.TryGetValue(number, out var alone))
                _undisturbed[number] = alone = Alone(number);
            Assert.Null(end.Failure);
            Assert.Equal(alone, Answer.Of(read));
            return;
        }

        var parameters = sequence.Parameters;
        Assert.Equal(end.Usage.CompletionTokens, read.Count);
        Assert.DoesNotContain(read, token => parameters.BannedTokenIds.Contains((int)token.Id));
        Assert.All(read, token => Assert.True(parameters.AllowedTokenIds.Count == 0 || parameters.AllowedTokenIds.Contains((int)token.Id)));
        Assert.True(end.Failure != FailureReason.Internal || parameters.LogitBias is [{ Key: Vocabulary + 9 }], $"Ours: {parameters}");
        var kind = end.Finish?.ToString() ?? $"{end.Failure}";
        Ends[kind] = Ends.GetValueOrDefault(kind) + 1;
    }

    private int[] Ids(int count) => [.. Enumerable.Range(0, count).Select(_ => Pick(0, Vocabulary - 1))];

    private float Extreme() => Extremes[Pick(0, Extremes.Length - 1)];

    private float Signed() => Chance(50) ? Extreme() : -Extreme();

    private bool Chance(int percent) => Pick(0, 99) < percent;

    private int Pick(int least, int most) => least + (int)_chance.Next((uint)(most - least + 1));

    /// <summary>An answer down to the bits.</summary>
    internal sealed record Answer(string Text)
    {
        public static Answer Of(List<StreamedToken> tokens) => new(string.Join(' ', tokens.Select(token =>
            $"{token.Id}:{Bits(token.Detail?.Logprob)}[{string.Join(',', (token.Detail?.Top ?? []).Select(Show))}]")));

        private static string Show(TokenLogprob token) => $"{token.Id}:{Bits(token.Logprob)}";

        private static string Bits(float? value) => value is { } number ? $"{BitConverter.SingleToInt32Bits(number):x8}" : "";
    }

    private sealed record Request(int Number, Sequence Sequence, bool IsSlow, List<StreamedToken> Read);
}
