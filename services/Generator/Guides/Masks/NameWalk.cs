using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Json;
using Parley.Generator.Guides.Machines;
using Parley.Generator.Guides.Vocabulary;

namespace Parley.Generator.Guides.Masks;

/// <summary>
/// Corrects the mask of a key like no other by the keys that the object names or has already: only tokens that keep to these differ, so
/// the tree of their bytes is walked, and the vocabulary's only where it goes along.
/// </summary>
internal sealed class NameWalk(GuideMachine machine, TokenVocabulary vocabulary, TokenWalk tokens)
{
    private readonly byte[] _path = new byte[257];
    private Place _place;
    private KeyState _key = null!;
    private Trail _trail = null!;
    private WordSetAutomaton _names = null!;
    private WordSetAutomaton _used = null!;
    private bool?[] _liveBelow = [];
    private bool _hasOthers;
    private int _length;

    /// <summary>Corrects a mask.</summary>
    /// <param name="place">Within a key that may still be a named one.</param>
    /// <param name="hasOthers">Whether it may still be another; the mask then holds the tokens that may follow in such a one, else
    /// none.</param>
    /// <param name="trail">The text up to there.</param>
    /// <param name="mask">The mask.</param>
    public void Correct(Place place, bool hasOthers, Trail trail, Span<uint> mask)
    {
        (_place, _key, _trail, _hasOthers, _length) = (place, (KeyState)place.State, trail, hasOthers, trail.Length);
        (_names, _used) = (_key.Object.Names.Words, _key.Object.Used.Words);
        if (_liveBelow.Length < _names.Count)
            _liveBelow = new bool?[_names.Count];
        Array.Clear(_liveBelow, 0, _names.Count);
        Visit(-1, 0, (_key.Name, _key.Used), _key.Text, mask);
        trail.Length = _length;
    }

    /// <param name="node">The vocabulary's node.</param>
    /// <param name="depth">Bytes up to there.</param>
    /// <param name="at">The nodes in the words of the names, and of the keys that there are.</param>
    /// <param name="text">What is asked of the key's text there.</param>
    /// <param name="mask">The mask.</param>
    private void Visit(int node, int depth, (int Name, int Used) at, TextState text, Span<uint> mask)
    {
        var trie = vocabulary.Trie;
        if (node >= 0)
        {
            if (!IsLive(at.Name, at.Used, text))
            {
                trie.ClearBelow(node, mask);
                return;
            }

            trie.Set(trie.FirstEntries[node], trie.FirstEntries[node + 1], mask);
        }

        if (text.Syntax == StringSyntax.Between && vocabulary.Children.Find(node, (byte)'"') is >= 0 and var quote)
            Close(quote, depth, at, text, mask);
        for (var child = _names.FirstChild(at.Name); child != WordSetAutomaton.Off; child = _names.NextSibling(child))
        {
            var next = _names.ByteOf(child);
            Step(node, depth, next, (child, _used.Step(at.Used, next)), text, mask);
        }

        for (var child = _used.FirstChild(at.Used); child != WordSetAutomaton.Off; child = _used.NextSibling(child))
        {
            if (_names.Step(at.Name, _used.ByteOf(child)) == WordSetAutomaton.Off)
                Step(node, depth, _used.ByteOf(child), (WordSetAutomaton.Off, child), text, mask);
        }
    }

    private void Step(int node, int depth, byte next, (int Name, int Used) at, TextState text, Span<uint> mask)
    {
        if (vocabulary.Children.Find(node, next) is not (>= 0 and var child) || text.Next(next) is not { } after)
            return;
        _path[depth] = next;
        Visit(child, depth + 1, at, after, mask);
    }

    /// <summary>Tokens that end the key here: where it is a named one or one that the object has.</summary>
    private void Close(int quote, int depth, (int Name, int Used) at, TextState text, Span<uint> mask)
    {
        var word = _names.WordAt(at.Name);
        if (word < 0 && _used.WordAt(at.Used) < 0)
            return;
        var trie = vocabulary.Trie;
        trie.ClearBelow(quote, mask);
        if (word < 0 || text.End() is null || !Takes(word))
            return;
        if (trie.Ends[quote] == quote + 1)
        {
            trie.Set(trie.FirstEntries[quote], trie.FirstEntries[quote + 1], mask);
            return;
        }

        _trail.Length = _length;
        foreach (var above in _path.AsSpan(0, depth))
            _trail.Add(above);
        tokens.AddBehind(trie, quote, _place with { State = _key.Object.Key(at.Name, at.Used, text) }, ahead: false, _trail, mask);
    }

    /// <summary>Whether the object can be ended behind some value of a named key.</summary>
    private bool Takes(int word) => _key.Object.Plain is { } plain
        ? plain.Takes(word)
        : _key.Object.Member(word) is { } member && machine.IsLive(_place with { State = member.Colon });

    private bool IsLive(int name, int used, TextState text)
    {
        if (_hasOthers && text.Shape.Atoms.Length == 0 && IsLiveOff(text))
            return true; // any key can be made one like no other
        if (HasLiveBelow(name))
            return true;
        if (!_hasOthers || !IsLiveOff(text))
            return false;

        // One byte that leads away from the words will do; else their number decides, and that takes a search.
        for (var i = 0; i < byte.MaxValue; i++)
        {
            var next = (byte)(i ^ 0x60); // letters first
            if (_names.Step(name, next) == WordSetAutomaton.Off && _used.Step(used, next) == WordSetAutomaton.Off
                && text.Next(next) is { } after && IsLiveOff(after))
                return true;
        }

        return machine.IsLive(_place with { State = _key.Object.Key(name, used, text) });
    }

    private bool IsLiveOff(TextState text) =>
        machine.IsLive(_place with { State = _key.Object.Key(WordSetAutomaton.Off, WordSetAutomaton.Off, text) });

    private bool HasLiveBelow(int name)
    {
        if (_liveBelow[name] is { } known)
            return known;
        var isLive = _names.WordAt(name) is >= 0 and var word && Takes(word);
        for (var child = _names.FirstChild(name); !isLive && child != WordSetAutomaton.Off; child = _names.NextSibling(child))
            isLive = HasLiveBelow(child);
        _liveBelow[name] = isLive;
        return isLive;
    }
}
