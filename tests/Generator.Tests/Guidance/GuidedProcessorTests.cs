using System.Text.Json;
using Parley.Generator.Sequences;
using Parley.Generator.Streaming;
using Parley.Generator.Tests.Doubles;

namespace Parley.Generator.Tests.Guidance;

/// <summary>
/// Guides together with the rare settings and with the prompt's log-probabilities: the answer keeps to the guide, and to its seed.
/// </summary>
public sealed class GuidedProcessorTests
{
    private const string Schema =
        """
        {"type":"object","properties":{"name":{"type":"string","pattern":"^[a-z]{1,6}$"},
        "age":{"type":"integer","minimum":0,"maximum":120}},"required":["name","age"],"additionalProperties":false}
        """;

    private static readonly ProcessorSettings All = new()
    {
        EncoderRepetitionPenalty = 1.1f,
        Dry = new(0.9f, 1.5f, 1, 50, new Dictionary<uint, IReadOnlyList<uint[]>>()),
        TopNSigma = 3,
        DynamicTemperature = new(0.4f, 1),
        TopH = 0.95f,
        EpsilonCutoff = 0.001f,
        EtaCutoff = 0.001f,
        Xtc = new(0.4f, 0.05f),
    };

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Step_GuidesWithProcessorsAndJudgedPrompts_MeetTheSchemaAndEqualThemselvesAlone(int mirostat)
    {
        var processors = mirostat == 0 ? All : new ProcessorSettings { Mirostat = new(mirostat, 2, 0.2f) };
        var parameters = EngineBench.Sampled(0, 120) with { TopK = 0, TopP = 1, Processors = processors, PromptLogprobs = 2 };
        var seeds = Enumerable.Range(0, 8).Select(seed => (ulong)seed).ToList();
        var alone = seeds.Select(seed => Run([parameters with { Seed = seed }], 0).Single()).ToList();

        Assert.Equal(alone, Run([.. seeds.Select(seed => parameters with { Seed = seed })], 0));
        Assert.Equal(alone, Run([.. seeds.Select(seed => parameters with { Seed = seed })], 6));
        Assert.True(alone.Distinct().Count() > 4);
        foreach (var answer in alone)
        {
            using var document = JsonDocument.Parse(answer);
            Assert.Matches("^[a-z]{1,6}$", document.RootElement.GetProperty("name").GetString()!);
        }
    }

    private static List<string> Run(List<SamplingParameters> requests, int draftTokensMax)
    {
        using var bench = new EngineBench(new ScriptedModelRunner(blockCount: 400) { FreeTokens = 8 }, draftTokensMax: draftTokensMax);
        var guide = GuideWorld.Schema(Schema);
        var prompt = EngineBench.Prompt(37);
        var sequences = requests.Select(parameters => bench.Submit(prompt, parameters, guide: guide.Begin())).ToList();
        bench.Drive();
        return [.. sequences.Select(sequence =>
        {
            var (tokens, judgements) = (new List<StreamedToken>(), new List<PromptJudgement>());
            sequence.Stream.ReadReady(tokens, judgements);
            Assert.Equal(prompt.Length - 1, judgements.Sum(one => one.Tokens.Count));
            Assert.Equal(FinishReason.Eos, sequence.Stream.End!.Finish);
            return GuideWorld.Text(tokens.Select(token => token.Id));
        })];
    }
}
