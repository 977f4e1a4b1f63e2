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

    /// <summary>Bytes taken so far.</summary>
    public int Position => _trail.Length;

    /// <summary>Whether the text may end here.</summary>
    public bool MayEnd => _guide.Machine.MayEnd(_place);

    /// <summary>Writes the mask of the tokens that may come next: bit id % 32 of word id / 32.</summary>
    /// <param name="mask">As many words as <see cref="Vocabulary.TokenVocabulary.Words"/>; overwritten.</param>
    /// <exception cref="GuideException">To find out takes more than the limits allow.</exception>
    public void FillMask(Span<uint> mask)
    {
        lock (_guide.Gate)
        {
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
        if (token < 0 || token >= _guide.Vocabulary.Tokens.Count || _guide.Vocabulary.Tokens[token] is not { Length: > 0 and <= 255 } text)
            return false;
        lock (_guide.Gate)
        {
            _guide.Machine.BeginAccount();
            var (length, place) = (_trail.Length, _place);
            foreach (var next in text)
            {
                if (!_guide.Machine.TryStep(place, next, _trail, out place) || !_guide.Machine.IsLive(place))
                {
                    _trail.Length = length;
                    return false;
                }

                _trail.Add(next);
            }

            _place = place;
            return true;
        }
    }
}
