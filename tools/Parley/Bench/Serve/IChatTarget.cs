namespace Parley.Cli.Bench.Serve;

/// <summary>A server under load.</summary>
internal interface IChatTarget : IDisposable
{
    /// <summary>Sends a chat and reads its stream to the end. What goes wrong with the request is a value.</summary>
    /// <param name="prompt">The user's message.</param>
    /// <param name="tokensMax">Tokens of the answer.</param>
    /// <param name="clock">Told of everything as it comes.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    Task<ChatAnswer> RunAsync(string prompt, int tokensMax, StreamClock clock, CancellationToken cancellationToken);
}
