using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace Parley.Client;

/// <summary>What the client logs; never anything of a prompt or an answer.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information,
        "{RequestId}: try {Attempt} of {AttemptsMax} ended with {StatusCode}; the next is in {Delay}")]
    public static partial void TryAgain(
        ILogger logger, string requestId, int attempt, int attemptsMax, StatusCode statusCode, TimeSpan delay);
}
