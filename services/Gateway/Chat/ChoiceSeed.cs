namespace Parley.Gateway.Chat;

/// <summary>The seed of choice i of a seeded request.</summary>
internal static class ChoiceSeed
{
    /// <summary>
    /// Choice 0 keeps the seed, so that n = 1 and the first of n agree; the others are mixed from (seed, i) by SplitMix64.
    /// </summary>
    public static ulong Derive(ulong seed, uint choice)
    {
        if (choice == 0)
            return seed;
        var mixed = unchecked(seed + (choice * 0x9E3779B97F4A7C15UL));
        mixed = unchecked((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9UL);
        mixed = unchecked((mixed ^ (mixed >> 27)) * 0x94D049BB133111EBUL);
        return mixed ^ (mixed >> 31);
    }
}
