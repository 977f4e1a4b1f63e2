using System.IO.Pipelines;

namespace Parley.Embedded.Memory;

/// <summary>One end of a connection in memory: two pipes, each of whose writers waits where its reader falls behind.</summary>
internal sealed class MemoryPipe : IDuplexPipe
{
    /// <summary>Bytes under way in one direction before the writer waits, and where it goes on.</summary>
    private const int PauseBytes = 1 << 20;
    private const int ResumeBytes = 1 << 19;

    private static readonly PipeOptions Options = new(
        pauseWriterThreshold: PauseBytes, resumeWriterThreshold: ResumeBytes, useSynchronizationContext: false);

    private MemoryPipe(PipeReader input, PipeWriter output) => (Input, Output) = (input, output);

    public PipeReader Input { get; }

    public PipeWriter Output { get; }

    /// <summary>Both ends of a new connection.</summary>
    public static (MemoryPipe Client, MemoryPipe Server) CreatePair()
    {
        var (up, down) = (new Pipe(Options), new Pipe(Options));
        return (new MemoryPipe(down.Reader, up.Writer), new MemoryPipe(up.Reader, down.Writer));
    }
}
