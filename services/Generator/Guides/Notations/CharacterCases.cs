using System.Text;
using Parley.Generator.Guides.Automata;

namespace Parley.Generator.Guides.Notations;

/// <summary>Characters with those that differ from them in case only.</summary>
internal static class CharacterCases
{
    /// <summary>How many characters of a set are looked at one by one; larger sets hold both cases of nearly all letters.</summary>
    private const int ExaminedMax = 4096;

    /// <summary>A set with the other case of each of its letters.</summary>
    public static CodePoints Both(CodePoints characters)
    {
        var others = new List<(int First, int Last)>();
        foreach (var (first, last) in characters.Ranges)
        {
            for (var character = first; character <= last && character - first < ExaminedMax; character++)
            {
                var rune = new Rune(character);
                foreach (var other in (int[])[Rune.ToLowerInvariant(rune).Value, Rune.ToUpperInvariant(rune).Value])
                    others.Add((other, other));
            }
        }

        return characters.Union(CodePoints.Of(others));
    }
}
