namespace Parley.ModelHub.Protocol;

/// <summary>Names of files come from a server: none may lead out of the snapshot's folder.</summary>
internal static class HubPath
{
    private const int CharactersMax = 1024;
    private const int PartsMax = 32;

    /// <summary>Whether a path stays below the folder that it is put into, on every system that the cache may lie on.</summary>
    public static bool IsSafe(string path) =>
        path.Length is > 0 and <= CharactersMax
        && !path.Any(c => c is < ' ' or '\\' or ':' or '*' or '?' or '"' or '<' or '>' or '|' or (char)127)
        && path.Split('/') is { Length: <= PartsMax } parts
        && parts.All(part => part.Length > 0 && part[^1] is not ('.' or ' ') && part[0] != ' ');
}
