namespace Parley.Gateway;

/// <summary>The id that a request carries through all services: the caller's where it is fit for a log, else a new one.</summary>
internal static class RequestIds
{
    private const int LengthMax = 128;

    public static string Take(string? given, TimeProvider time) =>
        IsFit(given) ? given! : Guid.CreateVersion7(time.GetUtcNow()).ToString("n");

    private static bool IsFit(string? given) =>
        given is { Length: > 0 and <= LengthMax }
            && given.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.' or ':');
}
