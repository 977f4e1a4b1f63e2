using Microsoft.Extensions.Options;

namespace Parley.Gateway.Limits;

/// <summary>
/// How long one write to a caller may take. Who reads nothing is given up, and with it the permit and the places that its request holds;
/// the server's own limit on slow connections does not see one stream of a connection whose others are read.
/// </summary>
internal sealed class WriteLimit(IOptions<GatewayOptions> options, TimeProvider time, ILogger<WriteLimit> logger)
{
    private readonly TimeSpan _duration = TimeSpan.FromSeconds(options.Value.SlowReaderSeconds);

    /// <summary>Waits for a write.</summary>
    /// <param name="writing">Just begun.</param>
    /// <param name="context">The caller's, which is aborted where it takes too long.</param>
    /// <param name="requestId">For the log.</param>
    /// <exception cref="OperationCanceledException">The caller was given up.</exception>
    public Task WaitAsync(Task writing, HttpContext context, string requestId) =>
        writing.IsCompletedSuccessfully ? writing : WaitLongerAsync(writing, context, requestId);

    private async Task WaitLongerAsync(Task writing, HttpContext context, string requestId)
    {
        try
        {
            await writing.WaitAsync(_duration, time);
        }
        catch (TimeoutException exception)
        {
            Log.SlowReader(logger, requestId, options.Value.SlowReaderSeconds);
            context.Abort();
            await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw new OperationCanceledException("The caller reads too slowly.", exception, context.RequestAborted);
        }
    }
}
