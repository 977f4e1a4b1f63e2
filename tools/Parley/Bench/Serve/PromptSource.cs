using System.Text;

namespace Parley.Cli.Bench.Serve;

/// <summary>
/// The prompts of a load: made of words from a seed, or the lines of a file in turn. Prompt i is the same in every run, and two prompts
/// differ from their first word on behind what they are meant to share, so that no cache of prefixes helps unasked.
/// </summary>
/// <param name="words">Words of each prompt, the shared ones included.</param>
/// <param name="sharedWords">Leading words that all prompts share.</param>
/// <param name="lines">Prompts of a file; empty makes them of words.</param>
/// <param name="seed">Another seed gives other prompts.</param>
internal sealed class PromptSource(int words, int sharedWords, IReadOnlyList<string> lines, int seed)
{
    /// <summary>One token each with usual vocabularies.</summary>
    private static readonly string[] Vocabulary =
        ["river", "stone", "light", "green", "house", "table", "music", "paper", "cloud", "north", "seven", "horse"];

    public int Words => words;

    public string Prompt(int index)
    {
        if (lines.Count > 0)
            return lines[index % lines.Count];
        var text = new StringBuilder();
        Append(text, sharedWords, new Random(seed));
        // The index in words of its own: drawn words alone would begin alike now and then.
        var left = words - sharedWords;
        for (var digits = index + 1; digits > 0 && left > 0; digits /= Vocabulary.Length, left--)
            Append(text, Vocabulary[digits % Vocabulary.Length]);
        Append(text, left, new Random(unchecked((seed * 104_729) + (index * 7919))));
        return text.ToString();
    }

    private static void Append(StringBuilder text, int count, Random random)
    {
        for (var i = 0; i < count; i++)
            Append(text, Vocabulary[random.Next(Vocabulary.Length)]);
    }

    private static void Append(StringBuilder text, string word) => text.Append(text.Length == 0 ? "" : " ").Append(word);
}
