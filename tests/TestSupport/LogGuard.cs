using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Parley.TestSupport;

/// <summary>A logger provider that remembers every Error, so that a test can fail on one it did not announce.</summary>
public sealed class LogGuard : ILoggerProvider
{
    private readonly ConcurrentQueue<string> _entries = new();
    private readonly ConcurrentQueue<string> _errors = new();

    /// <summary>Everything logged at Information or above, in order, as <c>level category: message</c>.</summary>
    public IReadOnlyCollection<string> Entries => _entries;

    /// <summary>Everything logged at Error or above.</summary>
    public IReadOnlyCollection<string> Errors => _errors;

    /// <summary>Fails when anything was logged as an error.</summary>
    public void AssertNoErrors() => Assert.True(_errors.IsEmpty, "Unexpected error logs:\n" + string.Join("\n", _errors));

    public ILogger CreateLogger(string categoryName) => new Recorder(this, categoryName);

    public void Dispose()
    {
    }

    private sealed class Recorder(LogGuard guard, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel))
                return;
            var line = $"{logLevel} {category}: {formatter(state, exception)}{(exception is null ? "" : "\n" + exception)}";
            guard._entries.Enqueue(line);
            if (logLevel >= LogLevel.Error)
                guard._errors.Enqueue(line);
        }
    }
}
