using System.Runtime.InteropServices;

namespace Parley.Generator.Sampling;

/// <summary>Which tokens stand in a sequence, and how often in its answer: a penalty then costs its distinct tokens only.</summary>
internal sealed class TokenCounts
{
    private readonly Dictionary<uint, int> _answerCounts;

    /// <param name="prompt">Ids of the prompt.</param>
    /// <param name="answer">Ids of the answer so far.</param>
    /// <param name="spare">More ids that room is made for at once.</param>
    public TokenCounts(ReadOnlySpan<uint> prompt, ReadOnlySpan<uint> answer, int spare = 0)
    {
        _answerCounts = new Dictionary<uint, int>(prompt.Length + answer.Length + spare);
        foreach (var id in prompt)
            _answerCounts[id] = 0;
        foreach (var id in answer)
            AddAnswer(id);
    }

    public void AddAnswer(uint id) => CollectionsMarshal.GetValueRefOrAddDefault(_answerCounts, id, out _)++;

    /// <summary>Each distinct token with its count in the answer; 0 for one that stands in the prompt only.</summary>
    public Dictionary<uint, int>.Enumerator GetEnumerator() => _answerCounts.GetEnumerator();
}
