using System.Globalization;
using System.Text.RegularExpressions;
using Parley.ModelImporter.Architectures;

namespace Parley.ModelImporter.Adapters;

/// <summary>
/// A regular expression over the names of modules. It comes from elsewhere, so it is matched in time that grows with the name alone, and
/// counted repetitions, which grow the automaton, are bounded.
/// </summary>
internal sealed partial class NamePattern
{
    private const int LengthMax = 4096;
    private const long RepetitionsMax = 1000;

    private readonly Regex _regex;

    private NamePattern(Regex regex) => _regex = regex;

    /// <summary>The number behind the last but one part of a name, as peft finds a layer where nobody says how.</summary>
    public static NamePattern AnyLayer { get; } = new(Compile(@"^.*\.[^.]*\.(\d+)\."));

    /// <summary>One that a whole name matches.</summary>
    /// <exception cref="InvalidDataException">It is no expression that is read here; the message names the field.</exception>
    public static NamePattern Whole(string text, ConfigFile file, string field) => Of(text, $@"^(?:{text})\z", file, field);

    /// <summary>One whose number behind it is that of a layer.</summary>
    /// <exception cref="InvalidDataException">As for <see cref="Whole"/>.</exception>
    public static NamePattern Layer(string text, ConfigFile file, string field) => Of(text, $@"^.*\.{text}\.(?<layer>\d+)\.", file, field);

    /// <summary>One that the end of a name matches, from a point on or from its beginning.</summary>
    /// <exception cref="InvalidDataException">As for <see cref="Whole"/>.</exception>
    public static NamePattern End(string text, ConfigFile file, string field) => Of(text, $@"^(?:.*\.)?(?:{text})\z", file, field);

    public bool IsWhole(string name) => _regex.IsMatch(name);

    /// <summary>The number in a name; null where it does not match.</summary>
    public int? NumberIn(string name)
    {
        var match = _regex.Match(name);
        var digits = match.Groups["layer"] is { Success: true } named ? named.Value : match.Groups[1].Value;
        return match.Success && int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
    }

    private static NamePattern Of(string text, string expression, ConfigFile file, string field)
    {
        if (text.Length > LengthMax)
            throw file.Unsupported(field, $"an expression of {text.Length} characters", $"up to {LengthMax}");
        var repetitions = 1L;
        foreach (var count in Counts().EnumerateMatches(text))
        {
            foreach (var digits in Numbers().EnumerateMatches(text.AsSpan(count.Index, count.Length)))
            {
                var number = int.TryParse(text.AsSpan(count.Index + digits.Index, digits.Length), out var parsed) ? parsed : int.MaxValue;
                repetitions = Math.Min(repetitions * Math.Max(1L, number), int.MaxValue);
            }
        }

        if (repetitions > RepetitionsMax)
            throw file.Unsupported(field, $"an expression with {repetitions} repetitions and more", $"up to {RepetitionsMax}");
        try
        {
            return new NamePattern(Compile(expression));
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
        {
            // The latter for what looks around or back.
            throw file.Unsupported(field, $"the expression {Shorten(text)} ({exception.Message})",
                "expressions without looking around or back; name the modules in a list");
        }
    }

    private static Regex Compile(string expression) =>
        new(expression, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);

    private static string Shorten(string text) => text.Length <= 60 ? text : text[..60] + "…";

    [GeneratedRegex(@"\{[0-9, ]*\}")]
    private static partial Regex Counts();

    [GeneratedRegex("[0-9]+")]
    private static partial Regex Numbers();
}
