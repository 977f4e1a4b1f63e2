namespace Parley.ServiceDefaults;

/// <summary>
/// Whether the process that a service is has done well, which its exit code will say. A service that is a guest in another program's
/// process finds none of these, and leaves that program's exit code alone.
/// </summary>
public sealed class ProcessOutcome
{
    private volatile int _exitCode;

    /// <summary>0 as long as nothing went wrong.</summary>
    public int ExitCode => _exitCode;

    /// <summary>Something went wrong for good, though the process goes on.</summary>
    public void MarkFailed() => _exitCode = 1;
}
