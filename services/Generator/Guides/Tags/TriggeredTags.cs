using Parley.Generator.Guides.Grammars;
using Parley.Generator.Guides.Limits;

namespace Parley.Generator.Guides.Tags;

/// <summary>Free text in which a trigger must go on as one of its tags does.</summary>
internal static class TriggeredTags
{
    /// <summary>Builds the tree.</summary>
    /// <param name="tags">The tags.</param>
    /// <param name="triggers">The triggers, as text and as symbols; the text of one that is given as a token is empty.</param>
    /// <param name="excludes">Strings that the text must not hold.</param>
    /// <param name="ends">What ends the tag around.</param>
    /// <param name="atLeastOne">A tag comes first.</param>
    /// <param name="stopAfterFirst">Nothing follows the first tag.</param>
    /// <exception cref="GuideException">A tag has no trigger, or several; a trigger has no tag.</exception>
    public static GrammarTree Build(
        IReadOnlyList<OpenTag> tags, IReadOnlyList<(string Text, int[] Symbols)> triggers, IReadOnlyList<TextPattern> excludes, TagEnds ends,
        bool atLeastOne, bool stopAfterFirst)
    {
        var first = GrammarTree.Choice([.. tags.Select(tag => tag.ToTree())]);
        if (atLeastOne && stopAfterFirst)
            return ends.Close(first);
        var text = ends.Text([.. Patterns(tags, triggers, ends, stopAfterFirst), .. excludes]);
        return atLeastOne ? GrammarTree.Sequence(first, text) : text;
    }

    private static IEnumerable<TextPattern> Patterns(
        IReadOnlyList<OpenTag> tags, IReadOnlyList<(string Text, int[] Symbols)> triggers, TagEnds ends, bool stopAfterFirst)
    {
        var used = new HashSet<int>();
        var groups = new Dictionary<string, (int[] Symbols, List<GrammarTree> Rests)>(StringComparer.Ordinal);
        foreach (var tag in tags)
        {
            var matching = Enumerable.Range(0, triggers.Count).Where(index => Begins(tag, triggers[index])).ToList();
            if (matching.Count != 1)
            {
                throw new GuideException(
                    tag.Place, matching.Count == 0 ? "begins with none of the triggers" : "begins with several of the triggers");
            }

            used.Add(matching[0]);

            // A trigger that is cut off within a token is complete with that token.
            var length = Length(tag, triggers[matching[0]]);
            var key = string.Join(',', tag.Begin[..length]);
            if (!groups.TryGetValue(key, out var group))
                groups.Add(key, group = (tag.Begin[..length], []));
            group.Rests.Add(GrammarTree.Sequence(GrammarTree.Literal(tag.Begin[length..]), tag.Rest));
        }

        foreach (var (symbols, rests) in groups.Values)
        {
            var rest = GrammarTree.Choice(rests);
            yield return new TextPattern(symbols, stopAfterFirst ? ends.Close(rest) : rest, Returns: !stopAfterFirst);
        }

        for (var index = 0; index < triggers.Count; index++)
        {
            if (!used.Contains(index))
                throw new GuideException("", $"no tag begins with the trigger '{triggers[index].Text}'");
            if (!groups.ContainsKey(string.Join(',', triggers[index].Symbols)))
                yield return new TextPattern(triggers[index].Symbols, null, Returns: false);
        }
    }

    private static bool Begins(OpenTag tag, (string Text, int[] Symbols) trigger) => tag.Begin.AsSpan().StartsWith(trigger.Symbols)
        || (trigger.Text.Length > 0 && tag.Text is { } text && text.StartsWith(trigger.Text, StringComparison.Ordinal));

    private static int Length(OpenTag tag, (string Text, int[] Symbols) trigger)
    {
        if (tag.Begin.AsSpan().StartsWith(trigger.Symbols))
            return trigger.Symbols.Length;

        // All that both have alike, and the token in which the trigger ends.
        return tag.Begin.AsSpan().CommonPrefixLength(trigger.Symbols) + 1;
    }
}
