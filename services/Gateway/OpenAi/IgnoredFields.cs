namespace Parley.Gateway.OpenAi;

/// <summary>The response header that names the fields which were read over, so that a misspelt one is found.</summary>
internal static class IgnoredFields
{
    public const string Header = "X-Parley-Ignored-Fields";

    private const int NamesMax = 16;
    private const int NameCharactersMax = 64;

    /// <summary>The names in order, as header tokens: other characters are underscores, and too many or too long ones are cut.</summary>
    public static void Tell(HttpContext context, IReadOnlyCollection<string> names)
    {
        if (names.Count == 0)
            return;
        context.Response.Headers[Header] = Join(names);
    }

    /// <summary>Names as a header's value.</summary>
    public static string Join(IReadOnlyCollection<string> names)
    {
        var shown = names.Take(NamesMax).Select(Token);
        if (names.Count > NamesMax)
            shown = shown.Append("and-more");
        return string.Join(", ", shown);
    }

    private static string Token(string name) => name.Length == 0
        ? "_"
        : string.Create(Math.Min(name.Length, NameCharactersMax), name, static (token, from) =>
        {
            for (var index = 0; index < token.Length; index++)
                token[index] = char.IsAsciiLetterOrDigit(from[index]) || "!#$%&'*+-.^_`|~".Contains(from[index]) ? from[index] : '_';
        });
}
