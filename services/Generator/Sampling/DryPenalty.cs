using Parley.Generator.Sequences;

namespace Parley.Generator.Sampling;

/// <summary>
/// DRY, "don't repeat yourself", as llama.cpp has it (its sampler <c>dry</c>, after the one of KoboldCpp): for each token that stood behind
/// what the text ends with now, the longest such ending counts; a breaker ends what is followed back. Linear in the tokens.
/// </summary>
internal sealed class DryPenalty
{
    /// <summary>ln of the largest single: base ^ exponent stays below it.</summary>
    private const double FloatMaxLog = 88.7228391;

    /// <summary>A base that is this near to one cannot overflow.</summary>
    private const float UnboundedBaseMax = 1.000001f;

    private readonly Dictionary<uint, int> _longest = [];
    private int[] _lengths = [];

    /// <param name="scores">Scores [vocabulary].</param>
    /// <param name="tokens">Prompt and answer.</param>
    /// <param name="settings">The settings.</param>
    public void Apply(Span<float> scores, ReadOnlySpan<uint> tokens, DrySettings settings)
    {
        var window = tokens[^Math.Min(settings.LastTokens, tokens.Length)..];
        if (window.Length <= settings.AllowedLength)
            return;
        var lengthMax = LengthSinceBreaker(window, settings);
        if (lengthMax < settings.AllowedLength)
            return;
        FindRepeats(window);
        _longest.Clear();
        for (var back = 1; back < window.Length; back++)
        {
            var length = Math.Min(_lengths[back], lengthMax);
            var follower = window[^back];
            if (length >= settings.AllowedLength && length > _longest.GetValueOrDefault(follower, -1))
                _longest[follower] = length;
        }

        Subtract(scores, settings);
    }

    private void Subtract(Span<float> scores, DrySettings settings)
    {
        var exponentMax = settings.Base > UnboundedBaseMax ? (int)(FloatMaxLog / Math.Log(settings.Base)) : int.MaxValue;
        foreach (var (id, length) in _longest)
        {
            if (settings.Breakers.TryGetValue(id, out var tails) && tails.Any(tail => tail.Length == 0))
                continue;
            var exponent = Math.Min(length - settings.AllowedLength, exponentMax);
            var penalty = (float)Math.Min(settings.Multiplier * Math.Pow(settings.Base, exponent), float.MaxValue);
            ref var score = ref scores[(int)id];
            score = LogitStages.Bounded(score, score - penalty, -penalty);
        }
    }

    /// <summary>Tokens behind the last breaker of a window; of several that begin at one token the longest.</summary>
    private static int LengthSinceBreaker(ReadOnlySpan<uint> window, DrySettings settings)
    {
        if (settings.Breakers.Count == 0)
            return window.Length;
        for (var behind = 0; behind < window.Length; behind++)
        {
            if (!settings.Breakers.TryGetValue(window[window.Length - 1 - behind], out var tails))
                continue;
            var rest = window[(window.Length - behind)..];
            var longest = -1;
            foreach (var tail in tails)
            {
                if (tail.Length > longest && rest.StartsWith(tail))
                    longest = tail.Length;
            }

            if (longest >= 0)
                return behind - longest;
        }

        return window.Length;
    }

    /// <summary>
    /// For each distance, how many tokens up to there equal the window's last ones: the Z-function of the window read backwards, in
    /// <see cref="_lengths"/>.
    /// </summary>
    private void FindRepeats(ReadOnlySpan<uint> window)
    {
        var count = window.Length;
        if (_lengths.Length < count)
            _lengths = new int[Math.Max(count, 2 * _lengths.Length)];
        var (boxStart, boxEnd) = (0, 0);
        for (var back = 1; back < count; back++)
        {
            var length = back < boxEnd ? Math.Min(boxEnd - back, _lengths[back - boxStart]) : 0;
            while (back + length < count && window[count - 1 - length] == window[count - 1 - back - length])
                length++;
            _lengths[back] = length;
            if (back + length > boxEnd)
                (boxStart, boxEnd) = (back, back + length);
        }
    }
}
