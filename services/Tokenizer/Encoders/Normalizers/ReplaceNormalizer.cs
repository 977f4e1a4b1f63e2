using Parley.Tokenizer.Encoders.PreTokenizers;

namespace Parley.Tokenizer.Encoders.Normalizers;

/// <summary>Replaces each match of a pattern by a fixed text.</summary>
internal sealed class ReplaceNormalizer(string? literal, ShadowRegex? pattern, string content) : TextNormalizer
{
    public override string Normalize(string original)
    {
        if (literal is not null)
        {
            if (literal.Length == 0)
                return original;
            if (content.Length > literal.Length)
                CheckLength(original.Length + (original.AsSpan().Count(literal) * (long)(content.Length - literal.Length)));
            return original.Replace(literal, content, StringComparison.Ordinal);
        }

        var matches = new List<(int Start, int Length)>();
        pattern!.FindAll(original, matches);
        if (matches.Count == 0)
            return original;
        CheckLength(original.Length + (matches.Count * (long)content.Length));
        var result = new System.Text.StringBuilder(original.Length);
        var position = 0;
        foreach (var (start, length) in matches)
        {
            result.Append(original, position, start - position).Append(content);
            position = start + length;
        }

        return result.Append(original, position, original.Length - position).ToString();
    }
}
