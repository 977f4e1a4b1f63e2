using System.Buffers;
using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Json;
using Parley.Generator.Guides.Machines;
using Parley.Generator.Guides.Vocabulary;

namespace Parley.Generator.Guides.Masks;

/// <summary>
/// Finds the tokens that a text may go on with. Inside strings, where nearly every token may follow, it starts from masks that are made
/// once; elsewhere it walks the vocabulary's tree together with the automaton. Not safe for several threads.
/// </summary>
internal sealed class MaskBuilder
{
    private const int InsideMax = 256;
    private readonly GuideMachine _machine;
    private readonly TokenVocabulary _vocabulary;
    private readonly Dictionary<TextState, InsideMask> _inside = [];
    private readonly KeptMasks _kept;
    private readonly TokenWalk _tokens;
    private readonly TextWalk _texts;
    private readonly NameWalk _names;
    private readonly ValueWalk _values;
    private long _insideBytes;

    public MaskBuilder(GuideMachine machine, TokenVocabulary vocabulary)
    {
        (_machine, _vocabulary) = (machine, vocabulary);
        _kept = new KeptMasks(vocabulary.Plain);
        _tokens = new TokenWalk(machine, vocabulary);
        _texts = new TextWalk(machine, vocabulary, _tokens);
        _names = new NameWalk(machine, vocabulary, _tokens);
        _values = new ValueWalk(machine, vocabulary, _tokens);
    }

    /// <summary>Bytes of memory that the masks hold by now, roughly.</summary>
    public long Bytes => _kept.Bytes + _insideBytes;

    /// <summary>
    /// Writes the mask of a place: bit id % 32 of word id / 32. Ids that end a sequence are allowed where the text may end.
    /// </summary>
    /// <param name="place">Where the text stands; it can be ended from there.</param>
    /// <param name="trail">The text up to there.</param>
    /// <param name="mask">Overwritten.</param>
    public void Fill(Place place, Trail trail, Span<uint> mask)
    {
        // Where the very text of a value matters, the same place may have another mask behind another text; where characters are counted,
        // no place comes again soon, and its mask is soon made.
        var isKept = place.Frame is not Frame { ReadsText: true }
            && (place.State is not TextState { IsFree: false } counted || TextSearch.Lengths(counted) is null);
        if (isKept && _kept.TryCopy(place, mask))
            return;
        var length = trail.Length;
        var loose = place.State is TextState { IsNumber: false } text && text.WithoutLengths(_vocabulary.CharactersMax) is { } other
            ? place with { State = other }
            : place;
        Choose(loose, trail, mask);
        trail.Length = length;
        if (_machine.MayEnd(place))
        {
            foreach (var end in _vocabulary.Ends)
                mask[end >> 5] |= 1u << end;
        }

        if (isKept)
            _kept.Add(place, mask);
    }

    private void Choose(Place place, Trail trail, Span<uint> mask)
    {
        switch (place.State)
        {
            case TextState { IsFree: true } or KeyState { IsFree: true }:
                _vocabulary.Plain.CopyTo(mask);
                AddClosing(place, _vocabulary.Closing, trail, mask);
                break;
            case TextState { IsNumber: false, Syntax: StringSyntax.Between } text
                when place.Frame is not { IsOpen: true } || IsOneOfMany((Frame)place.Frame):
                FillInside(place, text, trail, mask);
                break;
            case KeyState { IsOff: false } key:
                var free = place with { State = key.Free };
                var hasOthers = _machine.IsLive(free);
                if (hasOthers)
                    Choose(free, trail, mask);
                else
                    mask.Clear();
                _names.Correct(place, hasOthers, trail, mask);
                break;
            case TextState { IsNumber: false } or KeyState:
                FillText(place, trail, mask);
                break;
            default:
                mask.Clear();
                _values.Fill(place, trail, mask);
                break;
        }
    }

    /// <summary>
    /// Whether it is only asked of an item that it differs from those before, of which there are more than any array has: what it is
    /// changes nothing behind it, unless an item behind it is the same.
    /// </summary>
    private static bool IsOneOfMany(Frame frame) =>
        frame is { Pending: PendingItem { ReadsText: true, IsSteady: true, HasMany: true }, Parent: null or { IsOpen: false } };

    /// <summary>Adds the tokens that end the string, where what follows does not depend on how.</summary>
    private void AddClosing(Place place, ReadOnlySpan<uint> closing, Trail trail, Span<uint> mask)
    {
        if (place.State is KeyState || place.Frame is not Frame { ReadsText: true })
        {
            _tokens.AddClosing(place, ahead: true, closing, trail, mask);
            return;
        }

        // But for an item within the token itself, which may be the same.
        var borrowed = ArrayPool<uint>.Shared.Rent(closing.Length);
        var others = borrowed.AsSpan(0, closing.Length);
        closing.CopyTo(others);
        foreach (var id in _vocabulary.Repeating)
            others[id >> 5] &= ~(1u << id);
        _tokens.AddClosing(place, ahead: true, others, trail, mask);
        ArrayPool<uint>.Shared.Return(borrowed);
        foreach (var id in _vocabulary.Repeating)
        {
            var length = trail.Length;
            if ((closing[id >> 5] >> id & 1) != 0 && _machine.TryTake(place, id, _vocabulary.Tokens[id], trail, out _))
                mask[id >> 5] |= 1u << id;
            trail.Length = length;
        }
    }

    /// <summary>
    /// Starts, where there is one, from the mask of a state of which nothing is asked any more: of all texts that come to such a state it
    /// is right.
    /// </summary>
    private void FillText(Place place, Trail trail, Span<uint> mask)
    {
        if (_texts.TryFill(place, trail, mask, closing: null))
            return;
        var key = place.State as KeyState;
        var text = key?.Text ?? (TextState)place.State;
        if (text.Syntax == StringSyntax.Between && text.Free is { } free)
        {
            var from = place with { State = key is null ? free : key.Object.Key(WordSetAutomaton.Off, WordSetAutomaton.Off, free) };
            if (_machine.IsLive(from))
            {
                Choose(from, trail, mask);
                _texts.Fill(place, trail, mask, closing: null, free.Shape);
                return;
            }
        }

        mask.Clear();
        _texts.Fill(place, trail, mask, closing: null, alike: null);
    }

    /// <summary>Within a string of which something is asked, and nothing of what encloses it.</summary>
    private void FillInside(Place place, TextState text, Trail trail, Span<uint> mask)
    {
        var borrowed = ArrayPool<uint>.Shared.Rent(_vocabulary.Words);
        var closing = borrowed.AsSpan(0, _vocabulary.Words);
        if (TextSearch.Lengths(text) is { } lengths)
        {
            _vocabulary.PlainUpTo(lengths.Most).CopyTo(mask);
            _vocabulary.FindClosing(lengths.Least, lengths.Most, closing);
        }
        else if (_inside.TryGetValue(text, out var inside))
        {
            inside.Staying.CopyTo(mask);
            inside.Closing.CopyTo(closing);
        }
        else
        {
            MakeInside(text, mask, borrowed);
        }

        AddClosing(place, closing, trail, mask);
        ArrayPool<uint>.Shared.Return(borrowed);
    }

    /// <summary>The masks of a state within a string; made once.</summary>
    /// <param name="from">The state.</param>
    /// <param name="staying">Receives the tokens that stay inside.</param>
    /// <param name="closing">Receives those that may end it; may be longer than a mask.</param>
    private void MakeInside(TextState from, Span<uint> staying, uint[] closing)
    {
        staying.Clear();
        Array.Clear(closing);
        var (place, trail) = (new Place(from, null), new Trail());
        if (!_texts.TryFill(place, trail, staying, closing))
            _texts.Fill(place, trail, staying, closing, alike: null);
        if (_inside.Count >= InsideMax)
        {
            _inside.Clear();
            _insideBytes = 0;
        }

        var inside = new InsideMask(
            new KeptMask(staying, _vocabulary.Plain), new KeptMask(closing.AsSpan(0, _vocabulary.Words), _vocabulary.Closing));
        _inside.Add(from, inside);
        _insideBytes += inside.Staying.Bytes + inside.Closing.Bytes;
    }
}
