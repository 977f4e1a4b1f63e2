using System.Text.Json;
using Parley.Generator.Guides;
using Parley.Generator.Guides.Limits;
using Parley.Generator.Sequences;
using Parley.Generator.Tests.Doubles;
using Parley.Generator.Tests.Guides;
using Parley.TestSupport;

namespace Parley.Generator.Tests.Guidance;

/// <summary>
/// Random bounded schemas × random weights: as many valid answers. Valid is what System.Text.Json parses and the oracle of the guides'
/// own tests, which knows nothing of automata, accepts.
/// </summary>
public sealed class RandomGuideTests
{
    [Fact]
    public void Answers_OfFortyRandomSchemas_AreValid() => Try(answers: 40, seed: 171);

    [SlowFact]
    public void Answers_OfAThousandRandomSchemas_AreValid() => Try(answers: 1000, seed: 172);

    private static void Try(int answers, int seed)
    {
        var schemas = new RandomSchemas(seed);
        for (var done = 0; done < answers;)
        {
            using var bench = new EngineBench(new ScriptedModelRunner(blockCount: 400), draftTokensMax: 8);
            var submitted = new List<(string Schema, Sequence Sequence)>();
            while (submitted.Count < Math.Min(16, answers - done))
            {
                var inner = schemas.Next().ToJsonString();
                var text = $$$"""{"allOf":[{{{SmallWorld.Schema}}},{{{inner}}}],"$defs":{"scalar":{{{SmallWorld.Scalar}}}}}""";
                if (Compile(text) is not { } guide)
                    continue;
                var number = (uint)(done + submitted.Count);
                var parameters = number % 3 == 0
                    ? EngineBench.Greedy(100) with { IgnoreEos = false }
                    : EngineBench.Sampled(number, 100) with { Temperature = 1.5f };
                submitted.Add((text, bench.Submit(EngineBench.Prompt(5, number), parameters, guide: guide.Begin())));
            }

            bench.Drive();
            foreach (var (schema, sequence) in submitted)
                AssertValid(schema, sequence);
            done += submitted.Count;
        }
    }

    private static void AssertValid(string schema, Sequence sequence)
    {
        var text = GuideWorld.Text(EngineBench.Read(sequence));
        Assert.True(sequence.Stream.End!.Finish == FinishReason.Eos, $"{schema}: {text} ended as {sequence.Stream.End}");
        using var asked = JsonDocument.Parse(schema);
        using var answer = JsonDocument.Parse(text);
        Assert.True(SchemaOracle.IsValid(asked.RootElement, answer.RootElement, asked.RootElement), $"{schema} is not met by {text}");
    }

    /// <summary>Null for a schema that no text meets, or that is refused by name.</summary>
    private static Guide? Compile(string schema)
    {
        try
        {
            return GuideWorld.Schema(schema);
        }
        catch (GuideException)
        {
            return null;
        }
    }
}
