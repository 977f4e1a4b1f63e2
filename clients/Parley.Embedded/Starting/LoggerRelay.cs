using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Parley.Embedded.Starting;

/// <summary>Lets the services log where the program does, whose filters decide; the program's factory stays the program's.</summary>
internal sealed class LoggerRelay(ILoggerFactory? loggers) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => loggers?.CreateLogger(categoryName) ?? NullLogger.Instance;

    public void Dispose()
    {
    }
}
