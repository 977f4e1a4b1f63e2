using System.Diagnostics;
using Microsoft.Extensions.Options;
using Parley.ServiceDefaults.Telemetry;
using Parley.Tokenizer.V1;

namespace Parley.Gateway.Upstream;

/// <summary>Gives each request its place on a Detokenize call: the newest while it is young and has room, else a new one.</summary>
internal sealed class DetokenizeCalls(UpstreamChannels channels, IOptions<GatewayOptions> options, TimeProvider time)
{
    /// <summary>To a start that is refused, and to an end.</summary>
    private const int AnswersBeyondBatches = 2;

    private readonly Tokenization.TokenizationClient _client = new(channels.TokenizerChannel);
    private readonly TimeSpan _age = TimeSpan.FromSeconds(options.Value.DetokenizeShareSeconds);
    private readonly Lock _lock = new();
    private DetokenizeCall? _newest;
    private long _openedAt;

    /// <summary>A place for the choices of a request; dispose it to leave.</summary>
    public DetokenizeStream Open(int choices, CancellationToken cancellationToken)
    {
        var stream = new DetokenizeStream(
            choices, options.Value.BatchesInFlightMax + AnswersBeyondBatches, channels.Tokenizer, cancellationToken);
        lock (_lock)
        {
            if (_newest is null || time.GetElapsedTime(_openedAt) >= _age || !_newest.TryJoin(stream, options.Value.DetokenizeSequencesMax))
            {
                _newest = Begin(stream);
                _openedAt = time.GetTimestamp();
            }
        }

        return stream;
    }

    /// <summary>The call is no part of the request that happens to be its first: neither its deadline nor its trace is.</summary>
    private DetokenizeCall Begin(DetokenizeStream first)
    {
        var activity = Activity.Current;
        Activity.Current = null;
        using var untraced = Untraced.Begin();
        try
        {
            return new DetokenizeCall(_client.Detokenize(), first);
        }
        finally
        {
            Activity.Current = activity;
        }
    }
}
