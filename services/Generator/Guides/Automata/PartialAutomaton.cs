namespace Parley.Generator.Guides.Automata;

/// <summary>
/// A condition of which only a part can be told by an automaton: texts of that part meet it, of all others the verdict is unknown.
/// </summary>
/// <param name="part">Tells the part.</param>
internal sealed class PartialAutomaton(TextAutomaton part) : TextAutomaton
{
    /// <summary>What tells the part.</summary>
    public TextAutomaton Part => part;

    /// <inheritdoc/>
    public override int Start => part.Start;

    /// <inheritdoc/>
    public override byte[] Classes => part.Classes;

    /// <inheritdoc/>
    public override int Step(int state, byte next) => part.Step(state, next);

    /// <inheritdoc/>
    public override Verdict End(int state) => part.End(state) == Verdict.True ? Verdict.True : Verdict.Unknown;

    /// <inheritdoc/>
    public override Verdict? Settled(int state) => part.Settled(state) switch
    {
        Verdict.True => Verdict.True,
        null => null,
        _ => Verdict.Unknown,
    };

    /// <inheritdoc/>
    public override int Distance(int state) => part.Distance(state);

    /// <inheritdoc/>
    public override bool TellsApart(CodePoints characters) => part.TellsApart(characters);

    /// <inheritdoc/>
    public override bool? CanEndTrue(int state) => part.CanEndTrue(state);
}
