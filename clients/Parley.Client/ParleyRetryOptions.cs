namespace Parley.Client;

/// <summary>
/// How often and when a request that the server could not take is tried again. Tried again is what is unavailable, overloaded or failed
/// with the word that it may succeed later; a stream never after its first token was handed out, a whole answer also after that, because
/// nobody has seen anything of it.
/// </summary>
public sealed class ParleyRetryOptions
{
    /// <value>Tries of one request, the first included. Default 3, range 1 (no second try) to 20.</value>
    public int AttemptsMax { get; set; } = 3;

    /// <value>
    /// Pause before the second try; it doubles with each, and half of it is left to chance. Where the server says how long to wait, that is
    /// the least. Default 250 ms, range 0 to 1 hour.
    /// </value>
    public TimeSpan InitialDelay { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <value>
    /// Longest pause; where the server asks for a longer one, the request fails instead. Default 10 s, range 0 to 1 hour.
    /// </value>
    public TimeSpan DelayMax { get; set; } = TimeSpan.FromSeconds(10);
}
