using Parley.PackageFormat;

namespace Parley.Generator.Sequences;

/// <summary>
/// How the rotation of a sequence's tokens follows from its length, where the model has such a rule. What a sequence was computed with is
/// decided when it starts; the same prompt has the same answer, whatever was served before.
/// </summary>
/// <param name="rule">The model's; null for none.</param>
internal sealed class SequencePositions(PositionRule? rule)
{
    /// <summary>Positions that depend on nothing.</summary>
    public static SequencePositions Plain { get; } = new(null);

    /// <summary>
    /// Settles the length for a sequence that holds no blocks; blocks of another length, or of another adapter, are none of its own.
    /// </summary>
    public void Settle(Sequence sequence)
    {
        var adapter = -((sequence.Adapter?.Weights.Identity ?? 0) << 32);
        if (rule is null)
        {
            sequence.Blocks.SetRoot(adapter);
            return;
        }

        var length = rule.Kind == PositionRule.Dynamic ? sequence.PromptLength : sequence.Length;
        sequence.RotaryLength = length <= rule.Border ? rule.Border
            : rule.Kind == PositionRule.Dynamic ? length
            : rule.Border + 1;
        sequence.Blocks.SetRoot(length <= rule.Border ? adapter : adapter - sequence.RotaryLength);
    }

    /// <summary>Whether a sequence has grown over the border since it was settled: all its tokens turn otherwise now.</summary>
    public bool HasOutgrown(Sequence sequence) =>
        rule is { Kind: PositionRule.LongRope } && sequence.RotaryLength <= rule.Border && sequence.Length > rule.Border;

    /// <summary>Tokens that a draft of this sequence may have: those behind the border turn otherwise.</summary>
    public int DraftRoom(Sequence sequence) =>
        rule is { Kind: PositionRule.LongRope } && sequence.Length <= rule.Border ? rule.Border - sequence.Length : int.MaxValue;
}
