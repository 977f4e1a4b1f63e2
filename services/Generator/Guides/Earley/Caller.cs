namespace Parley.Generator.Guides.Earley;

/// <summary>A rule that was begun at some place of a text, with all that waits for its end.</summary>
/// <param name="id">Its number; the one of the whole text is 0.</param>
internal sealed class Caller(int id)
{
    public int Id { get; } = id;

    /// <summary>Where the text goes on behind the rule's end; complete once the place is.</summary>
    public List<GrammarItem> Waiting { get; } = [];
}
