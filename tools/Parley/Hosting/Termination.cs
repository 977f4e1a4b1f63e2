using System.Runtime.InteropServices;

namespace Parley.Cli.Hosting;

/// <summary>
/// The one signal handler: the first SIGINT or SIGTERM asks for an orderly stop, a second one ends the process at once.
/// A command that has something smaller to stop (the answer of a chat) may take the first SIGINT for itself.
/// </summary>
internal sealed class Termination : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private Func<bool>? _interrupt;

    public Termination()
    {
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle));
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle));
    }

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _stop.Token;

    /// <summary>Sees each SIGINT first; returning true means that it was handled and the program goes on.</summary>
    public void OnInterrupt(Func<bool>? interrupt) => Volatile.Write(ref _interrupt, interrupt);

    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
        _stop.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        if (context.Signal == PosixSignal.SIGINT && Volatile.Read(ref _interrupt) is { } interrupt && interrupt())
        {
            context.Cancel = true;
            return;
        }

        // Leaving Cancel unset lets the second signal have its usual effect.
        if (_stop.IsCancellationRequested)
            return;
        context.Cancel = true;
        _stop.Cancel();
    }
}
