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

    /// <summary>Bytes of memory that it holds by now, roughly.</summary>
    public virtual long Bytes => 0;

    /// <summary>Whether no byte may follow here.</summary>
    public virtual bool IsOver(Place place) => false;

    /// <summary>
    /// The place behind a string that ends somewhere behind this place, where what follows does not depend on how it ends; for machines
    /// that have such strings.
    /// </summary>
    public virtual bool TryLeave(Place place, out Place after)
    {
        after = place;
        return false;
    }

    /// <summary>Whether a token may come next as itself, whatever its bytes are.</summary>
    public virtual bool TakesTokens(Place place) => false;

    /// <summary>The place behind a whole token from which the text can be ended.</summary>
    /// <param name="place">Where the text stands.</param>
    /// <param name="token">The token.</param>
    /// <param name="text">Its bytes; none where it is no text.</param>
    /// <param name="trail">The text up to here; behind the token afterwards where it is taken, else as before.</param>
    /// <param name="after">Where it stands then.</param>
    public virtual bool TryTake(Place place, int token, ReadOnlySpan<byte> text, Trail trail, out Place after)
    {
        (var length, after) = (trail.Length, place);
        foreach (var next in text)
        {
            if (!TryStep(after, next, trail, out after) || !IsLive(after))
            {
                trail.Length = length;
                return false;
            }

            trail.Add(next);
        }

        return text.Length > 0;
    }

    /// <summary>Begins a new account of the steps that a search may take.</summary>
    public virtual void BeginAccount()
    {
    }
}
