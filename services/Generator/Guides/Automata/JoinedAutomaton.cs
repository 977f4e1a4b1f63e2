namespace Parley.Generator.Guides.Automata;

/// <summary>
/// A text of one automaton, a separating character that no text of it has, and a text of another automaton. States are pairs: the second
/// is −1
/// before the separator.
/// </summary>
/// <param name="first">Reads what stands before the separator.</param>
/// <param name="separators">Bytes that separate.</param>
/// <param name="second">Reads what stands behind.</param>
internal sealed class JoinedAutomaton(TextAutomaton first, byte[] separators, TextAutomaton second)
    : InternedAutomaton<PairState>(Join(first, separators, second), new PairState(first.Start, -1))
{
    /// <inheritdoc/>
    public override bool? CanEndTrue(int state) =>
        At(state).Second < 0 ? first.CanEndTrue(At(state).First) : second.CanEndTrue(At(state).Second);

    /// <inheritdoc/>
    public override int Distance(int state) => At(state).Second < 0
        ? first.Distance(At(state).First) + 1 + second.Distance(second.Start)
        : second.Distance(At(state).Second);

    /// <inheritdoc/>
    /// <remarks>What separates is ASCII.</remarks>
    public override bool TellsApart(CodePoints characters) => first.TellsApart(characters) || second.TellsApart(characters);

    protected override PairState Step(PairState state, byte next)
    {
        if (state.Second >= 0)
            return state with { Second = second.Step(state.Second, next) };
        if (separators.Contains(next) && first.End(state.First) == Verdict.True)
            return new PairState(0, second.Start);
        return state with { First = first.Step(state.First, next) };
    }

    protected override Verdict End(PairState state) => state.Second < 0 ? Verdict.False : second.End(state.Second);

    protected override Verdict? Settled(PairState state) => state.Second < 0
        ? first.Settled(state.First) == Verdict.False ? Verdict.False : null
        : second.Settled(state.Second);

    private static byte[] Join(TextAutomaton first, byte[] separators, TextAutomaton second)
    {
        var classes = new byte[256];
        var known = new Dictionary<(byte, byte, bool), byte>();
        for (var value = 0; value < 256; value++)
        {
            var key = (first.Classes[value], second.Classes[value], separators.Contains((byte)value));
            if (!known.TryGetValue(key, out classes[value]))
                known.Add(key, classes[value] = (byte)known.Count);
        }

        return classes;
    }
}
