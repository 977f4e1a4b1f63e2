using System.Buffers;
using System.Runtime.InteropServices;
using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Json;
using Parley.Generator.Guides.Vocabulary;

namespace Parley.Generator.Guides.Masks;

/// <summary>Finds the tokens that may follow within a JSON string by the kinds of their characters.</summary>
internal sealed class TextOutlines(TokenVocabulary vocabulary) : OutlineWalk<TextState>(vocabulary)
{
    private readonly List<ClosingGroup> _groups = [];
    private Func<TextState, bool> _isLive = _ => true;

    /// <summary>The tokens that end the string, by the verdicts with which they do.</summary>
    public ReadOnlySpan<ClosingGroup> Closing => CollectionsMarshal.AsSpan(_groups);

    /// <summary>
    /// Adds the tokens that may follow and stay inside to a mask; false, and the mask holds none, where the states tell too much apart.
    /// </summary>
    /// <param name="from">The state, between two characters.</param>
    /// <param name="outline">The tokens.</param>
    /// <param name="isLive">Whether the whole text can still be ended from a state.</param>
    /// <param name="mask">Holds no token.</param>
    public bool TryFill(TextState from, TokenOutline outline, Func<TextState, bool> isLive, Span<uint> mask)
    {
        Release();
        _isLive = isLive;
        return TryFill(from, outline, mask);
    }

    /// <summary>Gives back the memory of <see cref="Closing"/>.</summary>
    public void Release()
    {
        foreach (var group in Closing)
            ArrayPool<uint>.Shared.Return(group.Tokens);
        _groups.Clear();
    }

    protected override byte[][] Trials(TextState state, CharacterKinds kinds) => state.Shape.Trials(kinds);

    protected override TextState? Step(TextState state, byte next) => state.Next(next) is { } after && _isLive(after) ? after : null;

    protected override bool TryClose(ReadOnlySpan<TextState> states, ReadOnlySpan<int> tokens)
    {
        var verdicts = states[0].End();
        foreach (var state in states[1..])
        {
            if (state.End() != verdicts)
                return false;
        }

        if (verdicts is { } alike)
            Group(alike, states[0], tokens);
        return true;
    }

    protected override void AddAlone(TextState from, ReadOnlySpan<int> token, Span<uint> mask)
    {
        var text = from;
        foreach (var next in Vocabulary.Tokens[token[0]]!)
        {
            if (next == '"' && text.Syntax == StringSyntax.Between)
            {
                if (text.End() is { } verdicts)
                    Group(verdicts, text, token);
                return;
            }

            if (text.Next(next) is not { } after)
                return;
            text = after;
        }

        if (_isLive(text))
            mask[token[0] >> 5] |= 1u << token[0];
    }

    private void Group(Outcomes verdicts, TextState text, ReadOnlySpan<int> tokens)
    {
        var group = 0;
        while (group < _groups.Count && _groups[group].Verdicts != verdicts)
            group++;
        if (group == _groups.Count)
        {
            var borrowed = ArrayPool<uint>.Shared.Rent(Vocabulary.Words);
            Array.Clear(borrowed);
            _groups.Add(new ClosingGroup(verdicts, text, borrowed));
        }

        var mask = _groups[group].Tokens;
        foreach (var id in tokens)
            mask[id >> 5] |= 1u << id;
    }
}
