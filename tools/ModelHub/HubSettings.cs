namespace Parley.ModelHub;

/// <summary>Where the Hub is, who asks, and where its files are kept: read from the variables that the Hub's own tools read.</summary>
/// <remarks>A class and no record: a record's text would hold the token.</remarks>
public sealed class HubSettings
{
    public const string DefaultEndpoint = "https://huggingface.co";

    /// <value>The Hub, or a mirror (<c>HF_ENDPOINT</c>); without a slash at the end.</value>
    public required Uri Endpoint { get; init; }

    /// <value>Sent to <see cref="Endpoint"/> alone; null is nobody.</value>
    public string? Token { get; init; }

    /// <value>The file in which <c>parley login</c> and the Hub's own tools keep the token (<c>HF_TOKEN_PATH</c>).</value>
    public required string TokenPath { get; init; }

    /// <value>The folder of all repositories (<c>HF_HUB_CACHE</c>).</value>
    public required string CacheFolder { get; init; }

    /// <value>Where this program remembers which files it has checked already.</value>
    public required string ChecksFolder { get; init; }

    /// <value>No request is made (<c>HF_HUB_OFFLINE</c>).</value>
    public bool Offline { get; init; }

    /// <value>Requests at once. Default 8, range 1 to 64.</value>
    public int ConnectionsMax { get; init; } = 8;

    /// <value>Bytes of a file that one request asks for. Default 32 MiB, at least 1.</value>
    public int PartBytes { get; init; } = 32 << 20;

    /// <value>
    /// Bytes after which what has come of a file is written to the disk while more comes: otherwise all of it would be waited for at the
    /// end. Default 64 MiB, at least 1.
    /// </value>
    public long FlushBytes { get; init; } = 64 << 20;

    /// <value>Tries of a request, or of a part that gets no further, before the pull fails. Default 6, range 1 to 100.</value>
    public int AttemptsMax { get; init; } = 6;

    /// <value>The first wait between two tries, doubled at each, where the server says nothing. Default 1 s.</value>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <value>The longest wait that a server can ask for; one that asks for more is believed and the pull ends. Default 10 min.</value>
    public TimeSpan RetryDelayMax { get; init; } = TimeSpan.FromMinutes(10);

    /// <value>Silence after which a connection counts as broken. Default 30 s.</value>
    public TimeSpan SilenceMax { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The settings that the environment gives.</summary>
    /// <param name="variable">Reads a variable; null where it is not set.</param>
    /// <exception cref="HubException">A variable or the token's file cannot be used; the message names it.</exception>
    public static HubSettings FromEnvironment(Func<string, string?> variable)
    {
        ArgumentNullException.ThrowIfNull(variable);
        var home = variable("HOME") is { Length: > 0 } set ? set : Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        var caches = variable("XDG_CACHE_HOME") is { Length: > 0 } given ? given : Path.Combine(home, ".cache");
        var root = Expand(variable("HF_HOME"), home) ?? Path.Combine(caches, "huggingface");
        var tokenPath = Expand(variable("HF_TOKEN_PATH"), home) ?? Path.Combine(root, "token");
        var cache = Expand(variable("HF_HUB_CACHE"), home) ?? Expand(variable("HUGGINGFACE_HUB_CACHE"), home) ?? Path.Combine(root, "hub");
        return new HubSettings
        {
            Endpoint = ReadEndpoint(variable("HF_ENDPOINT")),
            Token = IsTrue(variable("HF_HUB_DISABLE_IMPLICIT_TOKEN"))
                ? null
                : Clean(variable("HF_TOKEN")) ?? Clean(variable("HUGGING_FACE_HUB_TOKEN")) ?? ReadToken(tokenPath),
            TokenPath = Path.GetFullPath(tokenPath),
            CacheFolder = Path.GetFullPath(cache),
            ChecksFolder = Path.GetFullPath(Path.Combine(caches, "parley", "checked")),
            Offline = IsTrue(variable("HF_HUB_OFFLINE")) || IsTrue(variable("TRANSFORMERS_OFFLINE")),
        };
    }

    /// <summary>A token without the line break that editors leave; null where nothing is left.</summary>
    internal static string? Clean(string? token)
    {
        var cleaned = token?.ReplaceLineEndings("").Trim();
        if (string.IsNullOrEmpty(cleaned))
            return null;
        return cleaned.All(c => c is > ' ' and < (char)127)
            ? cleaned
            : throw new HubException(HubFailure.Refused, "The Hub's token holds a character that no token has; set HF_TOKEN anew.");
    }

    private static string? ReadToken(string path)
    {
        try
        {
            return File.Exists(path) ? Clean(File.ReadAllText(path)) : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new HubException(HubFailure.Refused, $"{path}: the token cannot be read ({exception.Message})", exception);
        }
    }

    private static Uri ReadEndpoint(string? text)
    {
        var endpoint = string.IsNullOrWhiteSpace(text) ? DefaultEndpoint : text.Trim().TrimEnd('/');
        return Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.UserInfo.Length == 0
            && uri.Query.Length == 0
            ? uri
            : throw new HubException(HubFailure.Refused, $"HF_ENDPOINT is '{endpoint}'; it must be an http or https URL.");
    }

    private static string? Expand(string? path, string home) =>
        string.IsNullOrEmpty(path) ? null : path == "~" || path.StartsWith("~/", StringComparison.Ordinal) ? home + path[1..] : path;

    private static bool IsTrue(string? value) => value?.ToUpperInvariant() is "1" or "ON" or "YES" or "TRUE";
}
