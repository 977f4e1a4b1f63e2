namespace Parley.Generator.Guides.Machines;

/// <summary>An automaton over the bytes of a text, with a stack.</summary>
internal abstract class GuideMachine
{
    /// <summary>Before the first byte.</summary>
    public abstract Place Start { get; }

    /// <summary>The place behind one more byte, whether or not the text can be ended from there.</summary>
    /// <param name="place">Where the text stands.</param>
    /// <param name="next">The byte.</param>
    /// <param name="trail">The text up to here, without the byte.</param>
    /// <param name="after">Where it stands then.</param>
    public abstract bool TryStep(Place place, byte next, Trail trail, out Place after);

    /// <summary>Whether the text can be ended from here so that it meets what is asked.</summary>
    public abstract bool IsLive(Place place);

    /// <summary>Whether the text may end here.</summary>
    public abstract bool MayEnd(Place place);

    /// <summary>Begins a new account of the steps that a search may take.</summary>
    public virtual void BeginAccount()
    {
    }
}
