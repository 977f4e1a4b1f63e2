using Parley.ModelHub.Protocol;

namespace Parley.ModelHub;

/// <summary>The token that the Hub's own tools use, too: kept in their file, readable by its owner alone.</summary>
public static class HubAccount
{
    /// <summary>Asks the Hub whose token it is, and keeps it.</summary>
    /// <returns>The account's name.</returns>
    /// <exception cref="HubException">The Hub does not know it; nothing was written.</exception>
    public static async Task<string> LogInAsync(
        HubSettings settings, string token, HttpMessageInvoker http, TimeProvider time, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(settings);
        if (settings.Offline)
            throw new HubException(HubFailure.Offline, "HF_HUB_OFFLINE forbids to ask the Hub whose token it is.");
        var cleaned = HubSettings.Clean(token) ?? throw new HubException(HubFailure.Refused, "The token is empty.");
        var asked = new HubSettings
        {
            Endpoint = settings.Endpoint,
            Token = cleaned,
            TokenPath = settings.TokenPath,
            CacheFolder = settings.CacheFolder,
            ChecksFolder = settings.ChecksFolder,
            AttemptsMax = settings.AttemptsMax,
            RetryDelay = settings.RetryDelay,
            RetryDelayMax = settings.RetryDelayMax,
            SilenceMax = settings.SilenceMax,
        };
        var name = await new HubApi(new HubRequests(http, asked, time), asked).WhoAmIAsync(cancellationToken);
        Write(settings.TokenPath, cleaned);
        return name;
    }

    /// <summary>Forgets the token.</summary>
    /// <returns>Whether there was one.</returns>
    public static bool LogOut(HubSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var had = File.Exists(settings.TokenPath);
        File.Delete(settings.TokenPath);
        return had;
    }

    private static void Write(string path, string token)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        // Made for its owner from the first moment, not afterwards.
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        using (var writer = new StreamWriter(temporary, options))
            writer.Write(token);
        File.Move(temporary, path, overwrite: true);
    }
}
