using Parley.ModelImporter.Architectures;

namespace Parley.ModelImporter.Adapters;

/// <summary>
/// A key of <c>rank_pattern</c> or <c>alpha_pattern</c>: an expression that the end of a module's name matches, from a point on. Most are
/// plain names, of which there may be one for each module; these need no automaton.
/// </summary>
internal sealed class SuffixPattern
{
    private const int CountMax = 1 << 12;
    private const int ExpressionsMax = 256;

    private readonly NamePattern? _expression;

    private SuffixPattern(string text, NamePattern? expression) => (Text, _expression) = (text, expression);

    /// <summary>The key.</summary>
    public string Text { get; }

    /// <summary>Reads the keys of a field.</summary>
    /// <exception cref="InvalidDataException">They are too many, or one is no expression that is read here.</exception>
    public static IReadOnlyList<SuffixPattern> All(IReadOnlyList<string> keys, ConfigFile file, string field)
    {
        var expressions = keys.Count(key => !IsPlain(key));
        if (keys.Count > CountMax || expressions > ExpressionsMax)
        {
            throw file.Unsupported(field, $"{keys.Count} keys, {expressions} of them expressions",
                $"up to {CountMax}, {ExpressionsMax} of them expressions");
        }

        return [.. keys.Select(key => new SuffixPattern(key, IsPlain(key) ? null : NamePattern.End(key, file, field)))];
    }

    public bool Matches(string module)
    {
        if (_expression is not null)
            return _expression.IsWhole(module);
        var start = module.Length - Text.Length;
        if (start < 0 || (start > 0 && module[start - 1] != '.'))
            return false;
        // A point in an expression is any character.
        for (var i = 0; i < Text.Length; i++)
        {
            if (Text[i] != module[start + i] && Text[i] != '.')
                return false;
        }

        return true;
    }

    private static bool IsPlain(string key) => key.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '_' or '.');
}
