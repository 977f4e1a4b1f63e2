using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Earley;
using Parley.Generator.Guides.Machines;
using Parley.Generator.Guides.Vocabulary;

namespace Parley.Generator.Guides.Masks;

/// <summary>Finds the tokens that may follow under a grammar by the kinds of their characters.</summary>
internal sealed class GrammarOutlines(EarleyMachine machine, TokenVocabulary vocabulary) : OutlineWalk<LocalState>(vocabulary)
{
    private static readonly byte[][] NoTrials = [.. Enumerable.Repeat<byte[]>([], byte.MaxValue)];

    private readonly byte[][]?[] _trials = new byte[][]?[CharacterKinds.All.Count];
    private Trail _trail = new();

    /// <summary>Writes the tokens that may follow; false where the states tell too much apart.</summary>
    /// <param name="from">Outside of any machine's part.</param>
    /// <param name="trail">The text up to there.</param>
    /// <param name="mask">Overwritten.</param>
    /// <param name="rest">The tokens that have not been looked at.</param>
    public bool TryFill(GrammarState from, Trail trail, Span<uint> mask, out TokenTrie rest)
    {
        _trail = trail;
        mask.Clear();
        rest = Vocabulary.Trie;
        foreach (var outline in Vocabulary.TextOutlines)
        {
            if (!TryFill(from, outline, mask))
                continue;
            rest = outline.Rest;
            return true;
        }

        return false;
    }

    /// <remarks>What a machine within tells apart is not known here.</remarks>
    protected override byte[][] Trials(LocalState state, CharacterKinds kinds) => state is GrammarState { Starts.Length: 0 }
        ? _trials[kinds.Index] ??= kinds.Trials(machine.Classes, machine.TellsApart)
        : NoTrials;

    protected override LocalState? Step(LocalState state, byte next) =>
        machine.TryStep(new Place(state, null), next, _trail, out var after) && machine.IsLive(after) ? after.State : null;
}
