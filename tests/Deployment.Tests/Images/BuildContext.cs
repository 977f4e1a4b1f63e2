using Parley.TestSupport;

namespace Parley.Deployment.Tests.Images;

/// <summary>What of the repository a build sees: <c>.dockerignore</c>, whose last matching line decides.</summary>
internal static class BuildContext
{
    private static readonly (bool IsKept, string[] Parts)[] Lines =
    [
        .. File.ReadAllLines(Path.Combine(Shared.RepositoryRoot, ".dockerignore")).Where(line => line.Length > 0 && line[0] != '#')
            .Select(line => (line[0] == '!', line.TrimStart('!').TrimEnd('/').Split('/'))),
    ];

    /// <summary>Whether a path of the repository is in the context, itself or through a folder above it.</summary>
    public static bool Includes(string path)
    {
        var parts = path.Split('/');
        var isKept = true;
        foreach (var (keeps, pattern) in Lines)
        {
            if (Enumerable.Range(1, parts.Length).Any(length => Matches(pattern, parts.AsSpan(0, length))))
                isKept = keeps;
        }

        return isKept;
    }

    private static bool Matches(ReadOnlySpan<string> pattern, ReadOnlySpan<string> path)
    {
        if (pattern.IsEmpty)
            return path.IsEmpty;
        if (pattern[0] == "**")
            return Matches(pattern[1..], path) || (!path.IsEmpty && Matches(pattern, path[1..]));
        return !path.IsEmpty && (pattern[0] == "*" || pattern[0] == path[0]) && Matches(pattern[1..], path[1..]);
    }
}
