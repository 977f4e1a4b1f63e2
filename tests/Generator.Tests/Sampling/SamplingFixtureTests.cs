using System.IO.Compression;
using System.Text.Json;
using Parley.Generator.Sampling;
using Parley.Generator.Sequences;
using Parley.Generator.Streaming;
using Parley.TestSupport;

namespace Parley.Generator.Tests.Sampling;

/// <summary>Every processor and chain that the contract knows, against what transformers kept and with which probabilities.</summary>
public sealed class SamplingFixtureTests
{
    [Fact]
    public void Filter_EveryProcessorAndChain_KeepsWhatTransformersKeeps()
    {
        using var file = File.OpenRead(Shared.Fixture("hf", "sampling", "expected.json.gz"));
        using var stream = new GZipStream(file, CompressionMode.Decompress);
        using var document = JsonDocument.Parse(stream);
        var (checkedCount, failures) = (0, new List<string>());
        foreach (var row in document.RootElement.EnumerateArray())
        {
            var logits = row.GetProperty("logits").EnumerateArray().Select(value => value.GetSingle()).ToArray();
            var history = row.GetProperty("history").EnumerateArray().Select(value => value.GetUInt32()).ToArray();
            var sampler = new Sampler(logits.Length, []);
            foreach (var result in row.GetProperty("results").EnumerateArray())
            {
                checkedCount++;
                var parameters = Parameters(result.GetProperty("name").GetString()!, result.GetProperty("args"));
                var sequence = new Sequence("fixture", history, [], parameters, new TokenStream(1));
                sampler.Sample(logits, sequence, out _);
                var name = $"{logits.Length} {result.GetProperty("name")} {result.GetProperty("args")}";
                Compare(name, result, sampler.Candidates, failures);
            }
        }

        Assert.True(checkedCount >= 56, $"Only {checkedCount} results were compared.");
        Assert.True(failures.Count == 0, string.Join("\n", failures));
    }

    private static SamplingParameters Parameters(string name, JsonElement args)
    {
        var parameters = new SamplingParameters { Sample = true, MaxTokens = 100, Seed = 1 };
        foreach (var arg in args.EnumerateObject())
        {
            var value = arg.Value.GetSingle();
            parameters = arg.Name switch
            {
                "temperature" => parameters with { Temperature = value },
                "top_k" => parameters with { TopK = (int)value },
                "top_p" => parameters with { TopP = value },
                "min_p" => parameters with { MinP = value },
                "mass" or "typical" => parameters with { TypicalP = value },
                "penalty" => parameters with { RepetitionPenalty = value },
                "epsilon" when name == "epsilon" => parameters with { Processors = new() { EpsilonCutoff = value } },
                "epsilon" => parameters with { Processors = new() { EtaCutoff = value } },
                "ngram_size" => parameters with { NoRepeatNgramSize = (int)value },
                _ => throw new InvalidDataException(arg.Name),
            };
        }

        return parameters;
    }

    private static void Compare(string name, JsonElement result, CandidateSet candidates, List<string> failures)
    {
        var count = result.GetProperty("kept_count").GetInt32();
        if (count != candidates.Count)
        {
            failures.Add($"{name}: kept {candidates.Count}, reference {count}");
            return;
        }

        if (result.TryGetProperty("kept_sum", out var sum))
        {
            if (sum.GetInt64() != candidates.Ids.ToArray().Sum(id => (long)id))
                failures.Add($"{name}: other ids are kept");
        }
        else if (!result.GetProperty("kept").EnumerateArray().Select(id => id.GetInt32()).SequenceEqual(candidates.Ids.ToArray()))
        {
            failures.Add($"{name}: other ids are kept");
        }

        var expected = result.GetProperty(result.TryGetProperty("probs", out _) ? "probs" : "probs_first_200");
        var probabilities = candidates.Softmax();
        var index = 0;
        foreach (var value in expected.EnumerateArray())
        {
            var (want, have) = (value.GetDouble(), probabilities[index++]);
            if (Math.Abs(want - have) > (2e-5 * want) + 1e-12)
            {
                failures.Add($"{name}: probability {index - 1} is {have}, reference {want}");
                return;
            }
        }
    }
}
