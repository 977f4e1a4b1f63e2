using System.Text.Json.Serialization;

namespace Parley.Model.Tests;

/// <summary>One conversation of <c>expected.json</c>, as transformers answers it in float32.</summary>
/// <param name="Messages">The conversation.</param>
/// <param name="Text">Rendered template.</param>
/// <param name="Ids">Its token ids.</param>
/// <param name="Top50Ids">The 50 most likely next ids.</param>
/// <param name="Top50Logits">Their logits.</param>
/// <param name="Greedy">Greedy answer, up to 64 ids, with the eos that ended it.</param>
/// <param name="Margins">Best minus second logit at each step.</param>
/// <param name="Answer">The answer's text.</param>
/// <param name="GreedyRepetitionPenalty12">The same under a repetition penalty of 1.2.</param>
public sealed record SmolLm2Case(
    SmolLm2Message[] Messages,
    string Text,
    uint[] Ids,
    [property: JsonPropertyName("top50_ids")] int[] Top50Ids,
    [property: JsonPropertyName("top50_logits")] double[] Top50Logits,
    uint[] Greedy,
    double[] Margins,
    string Answer,
    [property: JsonPropertyName("greedy_repetition_penalty_1_2")] uint[] GreedyRepetitionPenalty12)
{
    /// <summary>Below this margin two correct implementations may part, and from there on.</summary>
    private const double MarginMin = 0.001;

    /// <summary>How many of the greedy ids are certain.</summary>
    public int CertainTokens => Array.FindIndex(Margins, margin => margin < MarginMin) is var index and >= 0 ? index : Greedy.Length;
}
