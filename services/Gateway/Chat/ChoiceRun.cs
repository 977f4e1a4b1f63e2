using System.Threading.Channels;
using Parley.Gateway.Upstream;

namespace Parley.Gateway.Chat;

/// <summary>
/// One choice on its way. The task that reads the Generator writes <see cref="Sent"/>; the task that reads the Tokenizer takes from
/// it, because the Tokenizer answers batch by batch and in order. Everything else here is the second task's own.
/// </summary>
internal sealed class ChoiceRun(uint index, ulong? seed, int batchesInFlightMax, CancellationToken cancellationToken) : IDisposable
{
    private readonly CancellationTokenSource _generate = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

    public uint Index => index;

    /// <summary>Given, or null where the Generator draws one.</summary>
    public ulong? Seed => seed;

    /// <summary>What was sent to the Tokenizer and is not answered yet; when full, the Generator's stream is not read on.</summary>
    public Channel<GenerationEvent> Sent { get; } = Channel.CreateBounded<GenerationEvent>(new BoundedChannelOptions(batchesInFlightMax)
    {
        FullMode = BoundedChannelFullMode.Wait,
        SingleReader = true,
        SingleWriter = true,
    });

    /// <summary>Cancelled when a stop string ends the choice, or when the request ends.</summary>
    public CancellationToken GenerateToken => _generate.Token;

    /// <summary>What its text means.</summary>
    public required ChoiceAnswer Answer { get; init; }

    /// <summary>Ids told to the client.</summary>
    public uint TokensTold { get; set; }

    /// <summary>A stop string has ended the text; what crosses it on the wire is dropped.</summary>
    public bool Stopped { get; private set; }

    /// <summary>The client has been told how the choice ended.</summary>
    public bool Told { get; set; }

    /// <summary>It ended here before the Tokenizer had told all of it; what is still told is dropped.</summary>
    public bool IsCut { get; set; }

    public uint CachedTokens { get; set; }

    /// <summary>Times that another Generator went on with it.</summary>
    public uint Resumes { get; set; }

    /// <summary>Of these, times that its bits may be others.</summary>
    public uint InexactResumes { get; set; }

    public long StartedAt { get; set; }

    public long PlannedAt { get; set; }

    public long FirstTokensAt { get; set; }

    /// <summary>Queue, prefill and decode.</summary>
    public (TimeSpan Queue, TimeSpan Prefill, TimeSpan Decode) Durations { get; set; }

    /// <summary>Cancels the Generate call: the sequence leaves the batch at the next step.</summary>
    public void Stop()
    {
        Stopped = true;
        _generate.Cancel();
    }

    public void Dispose() => _generate.Dispose();
}
