using Parley.Generator.Guides.Limits;
using Parley.Generator.Guides.Machines;

namespace Parley.Generator.Guides;

/// <summary>One text under a guide: says which tokens may come next, and takes them.</summary>
internal sealed class GuideMatcher
{
    private readonly Guide _guide;
    private readonly Trail _trail = new();
    private Place _place;

    public GuideMatcher(Guide guide) => (_guide, _place) = (guide, guide.Machine.Start);

    public Guide Guide => _guide;

    /// <summary>Bytes taken so far.</summary>
    public int Position => _trail.Length;

    /// <summary>Whether the text may end here.</summary>
    public bool MayEnd
    {
        get
        {
            lock (_guide.Gate)
                return _guide.Machine.MayEnd(_place);
        }
    }

    /// <summary>Where the text stands, for <see cref="Return"/>.</summary>
    public GuideMark Mark => new(_place, _trail.Length);

    /// <summary>Takes back what was taken since a mark of this matcher.</summary>
    public void Return(GuideMark mark) => (_place, _trail.Length) = (mark.Place, mark.Length);

    /// <summary>Writes the mask of the tokens that may come next: bit id % 32 of word id / 32.</summary>
    /// <param name="mask">As many words as <see cref="Vocabulary.TokenVocabulary.Words"/>; overwritten.</param>
    /// <exception cref="GuideException">To find out takes more than the limits allow.</exception>
    public void FillMask(Span<uint> mask)
    {
        lock (_guide.Gate)
        {
            using var work = GuideLimits.Enter(_guide.Budget);
            _guide.Machine.BeginAccount();
            _guide.FillMask(_place, _trail, mask);
        }
    }

    /// <summary>
    /// Takes a token; false, and nothing changes, when the guide does not allow it. A token that ends the sequence is not taken.
    /// </summary>
    /// <exception cref="GuideException">To find out takes more than the limits allow.</exception>
    public bool TryTake(int token)
    {
        if (token < 0 || token >= _guide.Vocabulary.Tokens.Count)
            return false;
        var text = _guide.Vocabulary.Tokens[token] is { Length: <= 255 } bytes ? bytes : [];
        lock (_guide.Gate)
        {
            using var work = GuideLimits.Enter(_guide.Budget);
            _guide.Machine.BeginAccount();
            if (!_guide.Machine.TryTake(_place, token, text, _trail, out var after))
                return false;
            _place = after;
            return true;
        }
    }

    /// <summary>
    /// The bytes that must come next whatever is said: as far as the guide leaves one byte and no end. Nothing is taken.
    /// </summary>
    /// <param name="text">Receives them; at most so many are looked for.</param>
    /// <returns>How many there are.</returns>
    /// <exception cref="GuideException">To find out takes more than the limits allow.</exception>
    public int FindForced(Span<byte> text)
    {
        lock (_guide.Gate)
        {
            using var work = GuideLimits.Enter(_guide.Budget);
            _guide.Machine.BeginAccount();
            var (length, place, count) = (_trail.Length, _place, 0);
            while (count < text.Length && !_guide.Machine.MayEnd(place) && OnlyByte(place, out var after) is >= 0 and var next)
            {
                text[count++] = (byte)next;
                _trail.Add((byte)next);
                place = after;
            }

            _trail.Length = length;
            return count;
        }
    }

    /// <summary>The only byte that may follow, or −1: free text ends the search at its second byte.</summary>
    private int OnlyByte(Place place, out Place after)
    {
        (var found, after) = (-1, place);
        if (_guide.Machine.TakesTokens(place))
            return -1;
        for (var next = 0; next <= byte.MaxValue; next++)
        {
            if (!_guide.Machine.TryStep(place, (byte)next, _trail, out var stepped) || !_guide.Machine.IsLive(stepped))
                continue;
            if (found >= 0)
                return -1;
            (found, after) = (next, stepped);
        }

        return found;
    }
}
