using Parley.Generator.Sampling;
using Parley.Generator.Sequences;
using Parley.Generator.Streaming;
using Parley.Generator.Tests.Doubles;

namespace Parley.Generator.Tests.Sampling;

/// <summary>The processors by themselves: their order, what they make of the chances, and what no fixture asks.</summary>
public sealed class ProcessorTests
{
    private const int Draws = 20_000;

    private static readonly float[] Logits = ScriptedModelRunner.HashedLogits([1, 2, 3], 24);

    [Fact]
    public void Sample_EverySetting_IsAppliedInTheOrderThatIsWrittenDown()
    {
        var parameters = new SamplingParameters
        {
            Sample = true,
            MaxTokens = 9,
            Seed = 1,
            TraceCandidates = 2,
            LogitBias = [KeyValuePair.Create(1, 0.1f)],
            RunBias = [new([2], 0.1f)],
            RepetitionPenalty = 1.1f,
            PresencePenalty = 0.1f,
            NoRepeatNgramSize = 4,
            BadRuns = [[3]],
            MinTokens = 3,
            ForcedFirstTokenIds = [5, 6, 7, 8],
            AllowedTokenIds = [4, 5, 6, 7, 8],
            BannedTokenIds = [9],
            BeginBannedTokenIds = [8],
            Temperature = 0.9f,
            TopK = 20,
            TopP = 0.99f,
            MinP = 0.01f,
            TypicalP = 0.99f,
            Processors = new()
            {
                EncoderRepetitionPenalty = 1.1f,
                Dry = new(1, 1.5f, 1, 9, new Dictionary<uint, IReadOnlyList<uint[]>>()),
                LengthDecay = new(1, 1.1f),
                TopNSigma = 9,
                DynamicTemperature = new(0.25f, 1),
                TopH = 1,
                EpsilonCutoff = 0.001f,
                EtaCutoff = 0.001f,
                Xtc = new(1, 0.4f),
            },
        };
        string[] penalties = ["presence_frequency_penalty", "dry"];
        string[] first = ["logits", "logit_bias", "sequence_bias", "encoder_repetition_penalty", "repetition_penalty"];
        string[] bans =
        [
            "no_repeat_ngram", "bad_words", "min_tokens", "forced_tokens", "length_decay", "allowed_tokens", "banned_tokens",
            "begin_banned_tokens", "top_n_sigma",
        ];
        string[] warpers = ["temperature", "top_h", "top_k", "top_p", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff", "xtc"];
        Assert.Equal([.. first, .. penalties, .. bans, .. warpers], Stages(parameters));

        var window = parameters with { Processors = parameters.Processors with { PenaltyLastTokens = 3 } };
        Assert.Equal([.. first[..^1], "last_n_penalties", "dry", .. bans, .. warpers], Stages(window));

        var mirostat = parameters with { Processors = new() { Mirostat = new(2, 5, 0.1f) }, TopK = 0 };
        Assert.Equal("mirostat", Stages(mirostat)[^1]);
        Assert.Equal("temperature", Stages(mirostat)[^2]);
    }

    [Theory]
    [InlineData("top_n_sigma")]
    [InlineData("epsilon")]
    [InlineData("eta")]
    [InlineData("dynamic_temperature")]
    [InlineData("xtc")]
    [InlineData("xtc, now and then")]
    [InlineData("mirostat 1")]
    [InlineData("mirostat 2")]
    [InlineData("mirostat 2, of no surprise")]
    [InlineData("dry")]
    public void Sample_ManySeeds_FollowsTheProbabilitiesThatTheDefinitionGives(string name)
    {
        var (settings, expected) = Definition(name);
        var parameters = new SamplingParameters { Sample = true, MaxTokens = 9, Processors = settings };
        var sampler = new Sampler(Logits.Length, []);
        var counts = new int[Logits.Length];
        for (var seed = 0UL; seed < Draws; seed++)
            counts[sampler.Sample(Logits, Make(parameters with { Seed = seed }), out _)]++;

        var (statistic, freedom) = (0.0, -1);
        for (var id = 0; id < counts.Length; id++)
        {
            if (expected[id] == 0)
            {
                Assert.Equal(0, counts[id]);
                continue;
            }

            statistic += Math.Pow(counts[id] - (expected[id] * Draws), 2) / (expected[id] * Draws);
            freedom++;
        }

        // Wilson and Hilferty: the 99.9 % point of chi-square.
        var point = freedom == 0 ? 1e-9 : freedom * Math.Pow(1 - (2.0 / (9 * freedom)) + (3.09 * Math.Sqrt(2.0 / (9 * freedom))), 3);
        Assert.True(statistic < point, $"{name}: chi-square {statistic:0.0} of {freedom} degrees, at most {point:0.0}");
    }

    [Fact]
    public void Apply_DryBreakerOfSeveralTokens_EndsTheRepetitionWhereItEnds()
    {
        // The text ends as it began; 9 8 between is one breaker, 9 alone none.
        uint[] tokens = [1, 2, 3, 4, 9, 8, 1, 2, 3];
        var none = new Dictionary<uint, IReadOnlyList<uint[]>>();
        var pair = new Dictionary<uint, IReadOnlyList<uint[]>> { [9] = [[8]] };
        var inside = new Dictionary<uint, IReadOnlyList<uint[]>> { [1] = [[2]] };
        var other = new Dictionary<uint, IReadOnlyList<uint[]>> { [9] = [[7], [8, 2]] };
        Assert.Equal(-4, Dry(tokens, none));
        Assert.Equal(-4, Dry(tokens, pair));
        Assert.Equal(-1, Dry(tokens, inside));
        Assert.Equal(-4, Dry(tokens, other));
        Assert.Equal(0, Dry(tokens, new() { [4] = [[]] }));
        Assert.Equal(-4, Dry(tokens, new() { [4] = [[3]] }));
        Assert.Equal(0, Dry(tokens, new() { [3] = [[]] }));
    }

    [Fact]
    public void Apply_DryAgainstADirectSearch_TakesTheSame()
    {
        var random = new Random(5);
        var dry = new DryPenalty();
        for (var round = 0; round < 400; round++)
        {
            uint[] tokens = [.. Enumerable.Range(0, random.Next(1, 40)).Select(_ => (uint)random.Next(3))];
            var none = new Dictionary<uint, IReadOnlyList<uint[]>>();
            var settings = new DrySettings(0.5f, 1.5f, random.Next(0, 4), random.Next(1, 50), none);
            var scores = new float[4];
            dry.Apply(scores, tokens, settings);
            Assert.Equal(DirectDry(tokens, settings), scores);
        }
    }

    [Fact]
    public void Apply_LargestSettings_StayNumbers()
    {
        float[] scores = [3, -2, float.NegativeInfinity];
        LengthDecay.Apply(scores, [0, 1, 2], 5000, new LengthDecaySettings(0, 100));
        Assert.Equal([float.MaxValue, float.MaxValue, float.NegativeInfinity], scores);

        float[] repeated = [1, 2];
        new DryPenalty().Apply(
            repeated, new uint[4000], new DrySettings(100, 100, 0, int.MaxValue, new Dictionary<uint, IReadOnlyList<uint[]>>()));
        Assert.True(float.IsFinite(repeated[0]) && repeated[0] < -1e37f);

        float[] flat = [5, 5, 5];
        TopNSigma.Apply(flat, 0.1f);
        Assert.Equal([5, 5, 5], flat);
        Assert.Equal(1.5f, DynamicTemperature.Of(flat, 1, new DynamicTemperatureSettings(0.5f, 2)), 1e-6);
        Assert.Equal(0, DynamicTemperature.Of([0, 900], 1, new DynamicTemperatureSettings(3, 1)));
    }

    [Fact]
    public void Sample_DynamicTemperatureThatFallsToZero_IsTheGreedyToken()
    {
        var processors = new ProcessorSettings { DynamicTemperature = new(3, 1) };
        var parameters = new SamplingParameters { Sample = true, MaxTokens = 9, Seed = 3, Processors = processors };
        Assert.Equal(1u, new Sampler(3, []).Sample([0, 900, 0], Make(parameters), out _));
    }

    [Fact]
    public void Sample_Mirostat_LearnsFromItsOwnSurprise()
    {
        var settings = new MirostatSettings(2, 1.5f, 0.5f);
        var parameters = new SamplingParameters { Sample = true, MaxTokens = 50, Seed = 8, Processors = new() { Mirostat = settings } };
        var (sequence, sampler) = (Make(parameters), new Sampler(Logits.Length, []));
        var bound = 3.0f;
        for (var step = 0; step < 20; step++)
        {
            Assert.Equal(bound, sequence.SurpriseMax);
            var logits = ScriptedModelRunner.HashedLogits(sequence.Tokens.ToArray(), Logits.Length);
            var id = sampler.Sample(logits, sequence, out _);
            sequence.Append(id);
            bound -= 0.5f * (-MathF.Log2(sampler.Candidates.ProbabilityOf((int)id)) - 1.5f);
        }

        Assert.NotEqual(3.0f, bound);
    }

    private static string[] Stages(SamplingParameters parameters)
    {
        new Sampler(Logits.Length, [0]).Sample(Logits, Make(parameters), out var detail);
        return [.. detail!.Trace[0].Stages.Select(stage => stage.Key)];
    }

    private static Sequence Make(SamplingParameters parameters) => new("s", [1, 2, 3, 1, 2], [], parameters, new TokenStream(1));

    private static float Dry(uint[] tokens, Dictionary<uint, IReadOnlyList<uint[]>> breakers)
    {
        // 2 ^ (3 − 1) for the four behind 1 2 3.
        var scores = new float[10];
        new DryPenalty().Apply(scores, tokens, new DrySettings(1, 2, 1, 100, breakers));
        return scores[4];
    }

    private static float[] DirectDry(uint[] tokens, DrySettings settings)
    {
        var window = tokens[^Math.Min(settings.LastTokens, tokens.Length)..];
        var scores = new float[4];
        if (window.Length <= settings.AllowedLength)
            return scores;
        for (var next = 0u; next < scores.Length; next++)
        {
            var longest = -1;
            for (var place = 1; place < window.Length; place++)
            {
                var length = 0;
                while (length < place && window[place - 1 - length] == window[^(1 + length)])
                    length++;
                if (window[place] == next)
                    longest = Math.Max(longest, length);
            }

            if (longest >= settings.AllowedLength)
                scores[next] -= (float)(settings.Multiplier * Math.Pow(settings.Base, longest - settings.AllowedLength));
        }

        return scores;
    }

    /// <summary>Each processor's definition once more, in doubles and by the shortest way.</summary>
    private static (ProcessorSettings Settings, double[] Expected) Definition(string name)
    {
        var plain = Softmax(logit => logit);
        var entropy = -plain.Sum(one => one * Math.Log(one));
        var best = plain.Max();
        var mean = Logits.Average(logit => (double)logit);
        var sigma = Math.Sqrt(Logits.Average(logit => (logit - mean) * (logit - mean)));
        var likely = plain.Where(one => one >= 0.1).Min();
        var excluded = Scaled(plain, one => one <= likely);
        switch (name)
        {
            case "top_n_sigma":
                return (new() { TopNSigma = 0.8f }, Scaled(plain, (_, id) => Logits[id] >= Logits.Max() - (0.8 * sigma)));
            case "epsilon":
                return (new() { EpsilonCutoff = 0.03f }, Scaled(plain, one => one >= 0.03));
            case "eta":
                var eta = Math.Min(0.2, Math.Sqrt(0.2) * Math.Exp(-entropy));
                return (new() { EtaCutoff = 0.2f }, Scaled(plain, one => one >= eta));
            case "dynamic_temperature":
                var temperature = 0.4 + (1.2 * Math.Pow(entropy / Math.Log(Logits.Length), 2));
                return (new() { DynamicTemperature = new(0.6f, 2) }, Softmax(logit => logit / temperature));
            case "xtc":
                return (new() { Xtc = new(1, 0.1f) }, excluded);
            case "xtc, now and then":
                return (new() { Xtc = new(0.3f, 0.1f) }, [.. plain.Select((one, id) => (0.7 * one) + (0.3 * excluded[id]))]);
            case "mirostat 1":
                return (new() { Mirostat = new(1, 2.5f, 0.1f) }, BestOf(plain, MirostatCount(plain, 5)));
            case "mirostat 2":
                return (new() { Mirostat = new(2, 1.7f, 0.1f) }, Scaled(plain, one => -Math.Log2(one) <= 3.4));
            case "mirostat 2, of no surprise":
                return (new() { Mirostat = new(2, 0, 0.1f) }, Scaled(plain, one => one == best));
            default:
                // Behind 1 2 stood 3: a run of two, allowed one.
                return (
                    new() { Dry = new(0.8f, 1.75f, 1, 99, new Dictionary<uint, IReadOnlyList<uint[]>>()) },
                    Softmax((logit, id) => id == 3 ? logit - (0.8 * 1.75) : logit));
        }
    }

    private static int MirostatCount(double[] probabilities, double surpriseMax)
    {
        var sorted = probabilities.OrderDescending().ToArray();
        var steps = Enumerable.Range(0, sorted.Length - 1)
            .Select(i => (Step: Math.Log((i + 2.0) / (i + 1)), Fall: Math.Log(sorted[i] / sorted[i + 1]))).ToArray();
        var slope = steps.Sum(one => one.Step * one.Fall) / steps.Sum(one => one.Step * one.Step);
        return (int)Math.Pow((slope - 1) * Math.Pow(2, surpriseMax) / (1 - Math.Pow(sorted.Length, 1 - slope)), 1 / slope);
    }

    private static double[] BestOf(double[] probabilities, int count)
    {
        Assert.InRange(count, 2, probabilities.Length - 1);
        var least = probabilities.OrderDescending().ElementAt(count - 1);
        return Scaled(probabilities, one => one >= least);
    }

    private static double[] Softmax(Func<double, double> warp) => Softmax((logit, _) => warp(logit));

    private static double[] Softmax(Func<double, int, double> warp)
    {
        double[] parts = [.. Logits.Select((logit, id) => Math.Exp(warp(logit, id)))];
        return [.. parts.Select(part => part / parts.Sum())];
    }

    private static double[] Scaled(double[] probabilities, Func<double, bool> keep) => Scaled(probabilities, (one, _) => keep(one));

    private static double[] Scaled(double[] probabilities, Func<double, int, bool> keep)
    {
        var sum = probabilities.Where(keep).Sum();
        return [.. probabilities.Select((one, id) => keep(one, id) ? one / sum : 0)];
    }
}
