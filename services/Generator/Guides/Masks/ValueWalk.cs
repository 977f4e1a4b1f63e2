using System.Buffers;
using Parley.Generator.Guides.Json;
using Parley.Generator.Guides.Machines;
using Parley.Generator.Guides.Vocabulary;

namespace Parley.Generator.Guides.Masks;

/// <summary>
/// Finds the tokens that may follow outside of strings. Most that come into question open a string or key, or are digits: the former are
/// found as what goes on in a string is, of the latter only the number's own states are stepped.
/// </summary>
internal sealed class ValueWalk(GuideMachine machine, TokenVocabulary vocabulary, TokenWalk tokens)
{
    private MaskBuilder? _quoted;

    /// <summary>Adds the tokens that may follow.</summary>
    public void Fill(Place place, Trail trail, Span<uint> mask)
    {
        var trie = vocabulary.Trie;
        var length = trail.Length;
        for (var node = 0; node < trie.Count; node = trie.Ends[node])
        {
            var next = trie.Bytes[node];
            if (!machine.TryStep(place, next, trail, out var after) || !machine.IsLive(after))
                continue;
            trail.Add(next);
            trie.Set(trie.FirstEntries[node], FirstBelow(node), mask);
            switch (after.State)
            {
                case TextState { IsNumber: true } when after.Frame is Frame:
                    AddDigits(node, after, trail, mask);
                    break;
                case TextState { IsNumber: false } or KeyState when next == '"' && vocabulary.Quoted is { } quoted:
                    _quoted ??= new MaskBuilder(machine, quoted.Vocabulary);
                    var borrowed = ArrayPool<uint>.Shared.Rent(quoted.Vocabulary.Words);
                    var chosen = borrowed.AsSpan(0, quoted.Vocabulary.Words);
                    _quoted.Fill(after, trail, chosen);
                    quoted.Add(chosen, mask);
                    ArrayPool<uint>.Shared.Return(borrowed);
                    break;
                default:
                    tokens.AddBelow(node, after, trail, mask);
                    break;
            }

            trail.Length = length;
        }
    }

    /// <summary>
    /// Adds the tokens below a node that go on with digits. Behind a number that an object or array encloses no digit may follow, so
    /// that its states alone decide.
    /// </summary>
    private void AddDigits(int node, Place place, Trail trail, Span<uint> mask)
    {
        var trie = vocabulary.Trie;
        var (first, end) = (node + 1, trie.Ends[node]);
        if (first == end)
            return;
        if (trie.Bytes.AsSpan(first..end).ContainsAnyExceptInRange((byte)'0', (byte)'9'))
        {
            tokens.AddBelow(node, place, trail, mask);
            return;
        }

        var text = (TextState)place.State;
        if (TakesAllDigits(place, text))
        {
            trie.Set(FirstBelow(node), trie.FirstEntries[end], mask);
            return;
        }

        for (var child = first; child < end; child = trie.Ends[child])
        {
            if (text.Next(trie.Bytes[child]) is not { } within || !machine.IsLive(place with { State = within }))
                continue;
            trie.Set(trie.FirstEntries[child], FirstBelow(child), mask);
            AddDigits(child, place with { State = within }, trail, mask);
        }
    }

    /// <summary>Whether any number of digits may follow, and the state behind so many does not depend on which they are.</summary>
    private bool TakesAllDigits(Place place, TextState from)
    {
        for (var steps = 0; steps < vocabulary.Trie.DepthMax; steps++)
        {
            if (from.Next((byte)'0') is not { } after || !machine.IsLive(place with { State = after }))
                return false;
            for (var digit = (byte)'1'; digit <= '9'; digit++)
            {
                if (from.Next(digit) != after)
                    return false;
            }

            if (after == from)
                return true;
            from = after;
        }

        return true;
    }

    /// <summary>Where the texts below a node begin, behind its own.</summary>
    private int FirstBelow(int node) => vocabulary.Trie.FirstEntries[node + 1];
}
