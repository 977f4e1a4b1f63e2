namespace Parley.Generator.Guides.Automata;

/// <summary>
/// Whether a JSON string holds at least so many characters (Unicode code points). States: characters so far × place in an escape.
/// </summary>
/// <param name="least">Characters, at least 1.</param>
internal sealed class LengthAutomaton(int least) : TextAutomaton
{
    // Places in an escape: 0 none, 1 behind the backslash, 2 to 5 digits of \u to come (5 at first).
    private const int Places = 6;
    private static readonly byte[] LengthClasses = MakeClasses();

    /// <summary>Characters that it asks for.</summary>
    public int Least { get; } = least;

    /// <inheritdoc/>
    public override int Start => 0;

    /// <inheritdoc/>
    public override byte[] Classes => LengthClasses;

    /// <summary>Characters begun so far.</summary>
    public static int Characters(int state) => state / Places;

    /// <inheritdoc/>
    public override int Step(int state, byte next)
    {
        var characters = state / Places;
        if (characters >= Least)
            return state;
        var place = state % Places;
        if (place == 1)
            return (characters * Places) + (next == 'u' ? 5 : 0);
        if (place > 1)
            return (characters * Places) + (place == 2 ? 0 : place - 1);
        if (next is >= 0x80 and < 0xC0)
            return state;
        return ((characters + 1) * Places) + (next == '\\' ? 1 : 0);
    }

    /// <inheritdoc/>
    public override Verdict End(int state) => state / Places >= Least ? Verdict.True : Verdict.False;

    /// <inheritdoc/>
    public override Verdict? Settled(int state) => state / Places >= Least ? Verdict.True : null;

    /// <inheritdoc/>
    public override bool? CanEndTrue(int state) => true;

    /// <inheritdoc/>
    public override int Distance(int state) => Math.Max(0, Least - Characters(state));

    /// <inheritdoc/>
    public override bool TellsApart(CodePoints characters) => false;

    private static byte[] MakeClasses()
    {
        var classes = new byte[256];
        classes['\\'] = 1;
        classes['u'] = 2;
        for (var value = 0x80; value < 0xC0; value++)
            classes[value] = 3;
        return classes;
    }
}
