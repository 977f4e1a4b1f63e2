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
    private const int RecentMax = 8;
    private readonly GuideMachine _machine;
    private readonly TokenVocabulary _vocabulary;
    private readonly Dictionary<TextState, InsideMask> _inside = [];
    private readonly List<(Place Place, uint[] Mask)> _recent = [];
    private readonly TokenWalk _tokens;
    private readonly TextWalk _texts;
    private readonly NameWalk _names;
    private readonly ValueWalk _values;

    public MaskBuilder(GuideMachine machine, TokenVocabulary vocabulary)
    {
        (_machine, _vocabulary) = (machine, vocabulary);
        _tokens = new TokenWalk(machine, vocabulary);
        _texts = new TextWalk(machine, vocabulary, _tokens);
        _names = new NameWalk(machine, vocabulary, _tokens);
        _values = new ValueWalk(machine, vocabulary, _tokens);
    }

    /// <summary>Bytes of memory that the masks hold by now, roughly.</summary>
    public long Bytes => ((2L * _inside.Count) + _recent.Count) * _vocabulary.Words * sizeof(uint);

    /// <summary>
    /// Writes the mask of a place: bit id % 32 of word id / 32. Ids that end a sequence are allowed where the text may end.
    /// </summary>
    /// <param name="place">Where the text stands; it can be ended from there.</param>
    /// <param name="trail">The text up to there.</param>
    /// <param name="mask">Overwritten.</param>
    public void Fill(Place place, Trail trail, Span<uint> mask)
    {
        foreach (var recent in _recent)
        {
            if (recent.Place != place)
                continue;
            recent.Mask.CopyTo(mask);
            return;
        }

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

        Remember(place, mask);
    }

    /// <summary>
    /// Within a string the place stays the same from token to token; the last few masks are kept, and their memory is used again.
    /// </summary>
    private void Remember(Place place, ReadOnlySpan<uint> mask)
    {
        var kept = _recent.Count < RecentMax ? new uint[_vocabulary.Words] : _recent[0].Mask;
        if (_recent.Count == RecentMax)
            _recent.RemoveAt(0);
        mask.CopyTo(kept);
        _recent.Add((place, kept));
    }

    private void Choose(Place place, Trail trail, Span<uint> mask)
    {
        switch (place.State)
        {
            case TextState { IsFree: true } or KeyState { IsFree: true }:
                _vocabulary.Plain.CopyTo(mask);
                _tokens.AddClosing(place, ahead: true, _vocabulary.Closing, trail, mask);
                break;
            case TextState { IsNumber: false, Syntax: StringSyntax.Between } text when place.Frame is not { IsOpen: true }:
                var inside = Inside(text);
                inside.Staying.CopyTo(mask);
                _tokens.AddClosing(place, ahead: true, inside.Closing, trail, mask);
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

    /// <summary>The masks of a state within a string; made once.</summary>
    private InsideMask Inside(TextState from)
    {
        if (TextSearch.Lengths(from) is { } lengths)
            return new InsideMask(_vocabulary.PlainUpTo(lengths.Most), _vocabulary.ClosingBetween(lengths.Least, lengths.Most));
        if (_inside.TryGetValue(from, out var inside))
            return inside;
        inside = new InsideMask(new uint[_vocabulary.Words], new uint[_vocabulary.Words]);
        var (place, trail) = (new Place(from, null), new Trail());
        if (!_texts.TryFill(place, trail, inside.Staying, inside.Closing))
            _texts.Fill(place, trail, inside.Staying, inside.Closing, alike: null);
        if (_inside.Count >= InsideMax)
            _inside.Clear();
        _inside.Add(from, inside);
        return inside;
    }
}
