using System.IO.Compression;
using System.Text.Json;
using Parley.Generator.Sampling;
using Parley.Generator.Sequences;
using Parley.Generator.Streaming;
using Parley.TestSupport;

namespace Parley.Generator.Tests.Sampling;

/// <summary>Every processor of the fixtures through the sampler: what transformers and llama.cpp made of the same logits.</summary>
public sealed class ProcessorFixtureTests
{
    private const string DryVocabulary = "llama-tied-llama3rope";

    [Fact]
    public void Sample_EveryProcessor_ChangesTheLogitsThatTransformersChanges()
    {
        var (count, failures) = (0, new List<string>());
        foreach (var row in Rows("processors.json.gz"))
        {
            var logits = Floats(row.GetProperty("logits"));
            var (parameters, eos, sequence) = Transformers(row);
            var sampler = new Sampler(logits.Length, eos);
            sampler.Sample(logits, sequence(parameters), out _);
            Compare(Name(row, "processor"), Changed(row, logits), sampler.Candidates, failures);
            count++;
        }

        Assert.Equal(156, count);
        Assert.True(failures.Count == 0, string.Join("\n", failures));
    }

    [Fact]
    public void Sample_EverySamplerOfLlamaCpp_LeavesTheLogitsThatItLeaves()
    {
        var (count, failures) = (0, new List<string>());
        foreach (var row in Rows("llamacpp.json.gz"))
        {
            var logits = Floats(row.GetProperty("logits"));
            var args = row.GetProperty("args");
            var expected = Expected(row, logits);

            // How many must stay is no setting here: one always does.
            if (args.TryGetProperty("min_keep", out var keep) && keep.GetInt32() > 1)
                continue;
            var history = Ids(row.GetProperty("history"));
            var sequence = new Sequence("row", history is [] ? [0] : history, [], LlamaCpp(row), new TokenStream(1));
            var sampler = new Sampler(logits.Length, []);
            sampler.Sample(logits, sequence, out _);
            Compare(Name(row, "sampler"), expected, sampler.Candidates, failures);
            count++;
        }

        Assert.Equal(212 - 24, count);
        Assert.True(failures.Count == 0, string.Join("\n", failures));
    }

    private static (SamplingParameters Parameters, uint[] Eos, Func<SamplingParameters, Sequence> Sequence) Transformers(JsonElement row)
    {
        var args = row.GetProperty("args");
        var history = Ids(row.GetProperty("history"));
        var given = row.GetProperty("prompt_length");
        var promptLength = given.ValueKind == JsonValueKind.Number ? given.GetInt32() : history.Length;

        // A prompt has a token here; what counts from its end then begins a token later.
        var shift = Math.Max(promptLength, 1) - promptLength;
        promptLength = Math.Clamp(promptLength, 1, history.Length);
        uint[] eos = args.TryGetProperty("eos", out var ids) ? Ids(ids) : [];
        var plain = new SamplingParameters { Sample = true, MaxTokens = 100, Seed = 1 };
        var parameters = row.GetProperty("processor").GetString() switch
        {
            // 63 ends an answer there: alone it is no bad word, which is the edge's to see.
            "bad_words" => plain with { BadRuns = [.. Items(args, "bad_words_ids").Select(Ids).Where(run => run is not [63])] },
            "sequence_bias" => plain with
            {
                RunBias = [.. Items(args, "sequence_bias").Select(run => new TokenRunBias(Ids(run[0]), Bias(run[1])))],
            },
            "exponential_decay_length_penalty" => plain with
            {
                Processors = new()
                {
                    LengthDecay = new(args.GetProperty("start").GetInt32() - shift, args.GetProperty("factor").GetSingle()),
                },
            },
            "forced_bos" => plain with { ForcedFirstTokenIds = history.Length == 1 ? [args.GetProperty("id").GetInt32()] : [] },
            "forced_eos" => plain with
            {
                MaxTokens = args.GetProperty("max_length").GetInt32() - promptLength,
                ForcedLastTokenIds = [.. Ids(args.GetProperty("ids")).Select(id => (int)id)],
            },
            "min_length" => plain with { MinTokens = Math.Max(0, args.GetProperty("min_length").GetInt32() - promptLength) },
            "min_new_tokens" => plain with
            {
                // A history that is shorter than its own prompt has no answer.
                MinTokens = args.GetProperty("min_new_tokens").GetInt32(),
            },
            "suppress_tokens" => plain with { BannedTokenIds = [.. Ids(args.GetProperty("ids")).Select(id => (int)id)] },
            "begin_suppress_tokens" => plain with
            {
                BeginBannedTokenIds = history.Length == args.GetProperty("begin_index").GetInt32()
                    ? [.. Ids(args.GetProperty("ids")).Select(id => (int)id)] : [],
            },
            "encoder_repetition_penalty" => plain with
            {
                Processors = new() { EncoderRepetitionPenalty = args.GetProperty("penalty").GetSingle() },
            },
            "top_h" => plain with { Processors = new() { TopH = args.GetProperty("top_h").GetSingle() } },
            var other => throw new InvalidDataException(other),
        };
        if (args.TryGetProperty("penalty", out _))
            history = Ids(args.GetProperty("ids"));
        promptLength = args.TryGetProperty("penalty", out _) ? history.Length : promptLength;
        return (parameters, eos, settings => new Sequence(
            "row", history.AsSpan(0, promptLength), history.AsSpan(promptLength), settings, new TokenStream(1)));
    }

    private static SamplingParameters LlamaCpp(JsonElement row)
    {
        var args = row.GetProperty("args");
        float Arg(string name) => args.GetProperty(name).GetSingle();
        var plain = new SamplingParameters { Sample = true, MaxTokens = 100, Seed = 1 };
        return row.GetProperty("sampler").GetString() switch
        {
            "top_n_sigma" => plain with { Processors = new() { TopNSigma = Math.Max(0, Arg("n")) } },
            "xtc" when Arg("threshold") > 0.5f => plain,
            "xtc" => plain with { Processors = new() { Xtc = new(Arg("probability"), Arg("threshold")) } },
            "dynamic_temperature" => plain with
            {
                Temperature = Arg("temperature"),
                Processors = Arg("range") > 0 ? new() { DynamicTemperature = new(Arg("range"), Arg("exponent")) } : null,
            },
            "dry" => plain with
            {
                Processors = new()
                {
                    Dry = new(
                        Arg("multiplier"), Arg("base"), (int)Arg("allowed_length"), (int)Arg("last_n"),
                        Breakers(args.GetProperty("breakers"))),
                },
            },
            "penalties" => plain with
            {
                RepetitionPenalty = Arg("repeat"),
                PresencePenalty = Arg("presence"),
                FrequencyPenalty = Arg("frequency"),
                Processors = new() { PenaltyLastTokens = (int)Arg("last_n") },
            },
            var other => throw new InvalidDataException(other),
        };
    }

    /// <summary>Tokens that hold a breaker; each of these is one character, so none begins in one token and ends in the next.</summary>
    private static Dictionary<uint, IReadOnlyList<uint[]>> Breakers(JsonElement breakers)
    {
        using var file = JsonDocument.Parse(File.ReadAllText(Shared.Fixture("hf", DryVocabulary, "tokenizer.json")));
        string[] written =
            [.. breakers.EnumerateArray().Select(breaker => breaker.GetString()!.Replace("\n", "Ċ", StringComparison.Ordinal))];
        return file.RootElement.GetProperty("model").GetProperty("vocab").EnumerateObject()
            .Where(token => written.Any(token.Name.Contains))
            .ToDictionary(token => token.Value.GetUInt32(), _ => (IReadOnlyList<uint[]>)[[]]);
    }

    private static float?[] Expected(JsonElement row, float[] logits)
    {
        if (row.TryGetProperty("changed", out _))
            return Changed(row, logits);
        var expected = new float?[logits.Length];
        foreach (var kept in row.GetProperty("kept").EnumerateObject())
            expected[int.Parse(kept.Name, System.Globalization.CultureInfo.InvariantCulture)] = kept.Value.GetSingle();
        return expected;
    }

    private static float?[] Changed(JsonElement row, float[] logits)
    {
        float?[] expected = [.. logits.Select(logit => (float?)logit)];
        if (row.GetProperty("changed").ValueKind != JsonValueKind.Object)
            return expected;
        foreach (var change in row.GetProperty("changed").EnumerateObject())
        {
            expected[int.Parse(change.Name, System.Globalization.CultureInfo.InvariantCulture)] =
                change.Value.ValueKind == JsonValueKind.Null ? null : change.Value.GetSingle();
        }

        return expected;
    }

    private static void Compare(string name, float?[] expected, CandidateSet candidates, List<string> failures)
    {
        for (var id = 0; id < expected.Length; id++)
        {
            var index = candidates.Ids.BinarySearch(id);
            var score = index < 0 ? (float?)null : candidates.Scores[index];
            if (score is null != expected[id] is null
                || (score is { } have && expected[id] is { } want && Math.Abs(have - want) > 2e-6 * (1 + Math.Abs(want))))
            {
                failures.Add($"{name}: id {id} is {score}, reference {expected[id]}");
                return;
            }
        }
    }

    private static string Name(JsonElement row, string kind) =>
        $"{row.GetProperty(kind)} {row.GetProperty("args")} behind {row.GetProperty("history")}";

    private static float Bias(JsonElement bias) => bias.ValueKind == JsonValueKind.Null ? float.NegativeInfinity : bias.GetSingle();

    private static IEnumerable<JsonElement> Items(JsonElement args, string name) => args.GetProperty(name).EnumerateArray();

    private static uint[] Ids(JsonElement ids) => [.. ids.EnumerateArray().Select(id => id.GetUInt32())];

    private static float[] Floats(JsonElement values) => [.. values.EnumerateArray().Select(value => value.GetSingle())];

    private static List<JsonElement> Rows(string file)
    {
        using var stream = new GZipStream(File.OpenRead(Shared.Fixture("hf", "sampling", file)), CompressionMode.Decompress);
        using var document = JsonDocument.Parse(stream);
        return [.. document.RootElement.GetProperty("rows").EnumerateArray().Select(row => row.Clone())];
    }
}
