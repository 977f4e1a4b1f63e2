namespace Parley.Gateway.OpenAi;

/// <summary>
/// What to say to a request that no route takes. Most of them come from a client whose base URL is not this server's address followed by
/// <c>/v1</c>, so the answer says where the request belongs. Only its own path is repeated, and only so much of it.
/// </summary>
internal static class BaseUrlHint
{
    private const int PathCharactersMax = 100;
    private const string Root = "v1";

    /// <summary>What clients add to their base URL.</summary>
    private static readonly string[][] Routes = [["chat", "completions"], ["completions"], ["responses"], ["models"]];

    /// <summary>What clients of the other APIs add to theirs, which is this server's address itself.</summary>
    private static readonly string[][] WholeRoutes =
    [
        ["v1", "messages"], ["v1", "messages", "count_tokens"], ["api", "chat"], ["api", "generate"], ["api", "tags"], ["api", "show"],
        ["api", "version"], ["api", "ps"],
    ];

    public static OpenAiError For(HttpRequest request)
    {
        var path = request.Path.Value ?? "/";
        var shown = path.Length <= PathCharactersMax ? path : path[..PathCharactersMax] + "…";
        return new OpenAiError(
            StatusCodes.Status404NotFound, "invalid_request_error", "unknown_url", null,
            $"There is no {request.Method} {shown} here.{Advice(path)}");
    }

    private static string Advice(string path)
    {
        var segments = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (segments is [var only] && IsRoot(only))
            return " This is the base URL itself, to which clients add /chat/completions or /models.";
        if (Target(segments) is { } target)
        {
            // Already as it should be, but for a slash too many.
            return string.Equals(path.TrimEnd('/'), target, StringComparison.OrdinalIgnoreCase)
                ? ""
                : $" A client's base URL is this server's address followed by /v1, once, at its end; this request then goes to {target}.";
        }

        if (WholeRoutes.FirstOrDefault(route => EndsWith(segments, route)) is { } whole)
            return $" Such a client's base URL is this server's address itself; this request then goes to /{string.Join('/', whole)}.";
        if (segments is ["api", ..])
            return "";
        return segments.Length > 0 && IsRoot(segments[0]) ? "" : " OpenAI's API is under /v1, so a client's base URL ends in /v1.";
    }

    /// <summary>The path that a misplaced request means; null where it resembles none.</summary>
    private static string? Target(string[] segments)
    {
        foreach (var route in Routes)
        {
            if (EndsWith(segments, route))
                return $"/{Root}/{string.Join('/', route)}";
        }

        return null;
    }

    private static bool EndsWith(string[] segments, string[] route) =>
        segments.TakeLast(route.Length).SequenceEqual(route, StringComparer.OrdinalIgnoreCase);

    private static bool IsRoot(string segment) => segment.Equals(Root, StringComparison.OrdinalIgnoreCase);
}
