namespace Parley.Gateway.Responses.Patterns;

/// <summary>
/// How much matching may cost: so many steps at once and so many for each character read. What comes to its end has met a pattern and a
/// text that were made for each other, and stops there.
/// </summary>
internal sealed class PatternBudget
{
    private const long StepsAtOnce = 1_000_000;
    private const long StepsPerCharacter = 400;

    private long _left = StepsAtOnce;

    /// <summary>Characters came in.</summary>
    public void Earn(int characters) => _left = Math.Min(long.MaxValue / 2, _left + (characters * StepsPerCharacter));

    /// <exception cref="PatternException">There is nothing left.</exception>
    public void Spend(int steps)
    {
        _left -= steps;
        if (_left < 0)
            throw new PatternException("the patterns cost more than reading the answer may");
    }
}
