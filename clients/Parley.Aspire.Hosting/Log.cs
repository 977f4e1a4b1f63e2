using Microsoft.Extensions.Logging;

namespace Parley.Aspire.Hosting;

/// <summary>What is said in a resource's log.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Error, "The server cannot be started. {Fault}")]
    public static partial void NoProgram(ILogger logger, string fault);
}
