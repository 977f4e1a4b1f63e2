using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using Parley.Gateway.Chat;

namespace Parley.Gateway.Limits;

/// <summary>Bounds the answers in flight. Overload is an answer, not a wait.</summary>
internal sealed class RequestPermits(IOptions<GatewayOptions> options) : IDisposable
{
    private readonly ConcurrencyLimiter _limiter = new(new ConcurrencyLimiterOptions
    {
        PermitLimit = options.Value.ConcurrentChoicesMax,
        QueueLimit = 0,
    });

    /// <summary>Takes one permit per choice; dispose the lease when the answer is over.</summary>
    /// <exception cref="ChatException">There are not as many left.</exception>
    public RateLimitLease Acquire(uint choices)
    {
        var lease = _limiter.AttemptAcquire((int)choices);
        if (lease.IsAcquired)
            return lease;
        lease.Dispose();
        throw new ChatException(new ChatError(ChatErrorKind.Overloaded,
            $"The Gateway serves {options.Value.ConcurrentChoicesMax} answers at once (Gateway:ConcurrentChoicesMax) and they are taken.")
        {
            RetryAfter = TimeSpan.FromSeconds(options.Value.RetryAfterSeconds),
        });
    }

    public void Dispose() => _limiter.Dispose();
}
