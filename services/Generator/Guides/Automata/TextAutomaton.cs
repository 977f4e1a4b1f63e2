namespace Parley.Generator.Guides.Automata;

/// <summary>
/// A deterministic automaton over the bytes of a text (of a string's inside as it is written in JSON, of a number, of a whole answer).
/// It may rely on the text being well-formed: another automaton sees to that.
/// </summary>
internal abstract class TextAutomaton
{
    /// <summary>The state before the first byte.</summary>
    public abstract int Start { get; }

    /// <summary>256 entries: bytes of one class lead from every state to the same state.</summary>
    public abstract byte[] Classes { get; }

    /// <summary>The state behind one more byte.</summary>
    public abstract int Step(int state, byte next);

    /// <summary>The verdict on the text if it ends here.</summary>
    public abstract Verdict End(int state);

    /// <summary>The verdict that holds however the text goes on; null when that is still open, or not known to be settled.</summary>
    public abstract Verdict? Settled(int state);

    /// <summary>
    /// True when a <see cref="Verdict.True"/> can certainly be reached from here; null when the automaton alone cannot say.
    /// </summary>
    public virtual bool? CanEndTrue(int state) => null;

    /// <summary>So many bytes at least are missing for a <see cref="Verdict.True"/>; 0 where the automaton cannot say.</summary>
    public virtual int Distance(int state) => 0;

    /// <summary>
    /// Whether, between two characters, some state may lead to different ones behind different characters of a set of those beyond ASCII.
    /// </summary>
    public virtual bool TellsApart(CodePoints characters) => true;
}
