using System.Runtime.CompilerServices;
using Microsoft.Extensions.Options;
using Parley.Gateway.Balancing;
using Parley.Gateway.Chat;

namespace Parley.Gateway.Upstream;

/// <summary>
/// Answers, whichever Generators compute them. What is lost before its first token begins anew elsewhere; what is lost behind it goes on
/// elsewhere from the ids that are there, with the same seed: the same answer, since the draw of a token depends on seed and place alone.
/// </summary>
internal sealed class GenerationStreams(
    GeneratorFleet fleet, GatewayTelemetry telemetry, IOptions<GatewayOptions> options, TimeProvider time, ILogger<GenerationStreams> logger)
{
    private static readonly IReadOnlySet<GeneratorReplica> None = new HashSet<GeneratorReplica>();

    private readonly GatewayOptions _options = options.Value;

    /// <summary>One sequence. Leaving the enumeration, or cancelling it, cancels the call.</summary>
    /// <param name="request">What is asked.</param>
    /// <param name="prompt">Its ids.</param>
    /// <param name="seed">Of the draws; null leaves it to the Generator.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ChatException">The answer is lost, and cannot be had elsewhere.</exception>
    public async IAsyncEnumerable<GenerationEvent> GenerateAsync(
        ChatRequest request, EncodedPrompt prompt, ulong? seed, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        fleet.Budget.Earn();
        var progress = new GenerationProgress(seed);
        var avoided = None;
        var replica = fleet.Pick(prompt, avoided) ?? throw Nowhere();
        for (var attempts = 0; ; attempts++)
        {
            var had = progress.Ids.Count;
            ChatException? fault;
            await using (var attempt =
                GenerationAttempt.Begin(replica, request, prompt, progress, _options, time, cancellationToken))
            {
                while (true)
                {
                    (var happened, fault) = await attempt.ReadAsync();
                    if (happened is null)
                        break;
                    if (happened is GenerationEvent.Prompt)
                        fleet.Learn(replica, prompt.Ids);
                    if (progress.Take(happened) is { } told)
                        yield return told;
                }

                if (fault is null)
                {
                    fleet.Learn(replica, [.. prompt.Ids, .. progress.Ids]);
                    yield break;
                }

                if (IsOfReplica(fault.Error) && attempt.Fail())
                    Log.BreakerOpened(logger, replica.Address.Authority, fault.Error.LogMessage);
            }

            // Whoever has got further since has not failed for the same cause as those before.
            avoided = progress.Ids.Count > had ? new HashSet<GeneratorReplica> { replica } : [.. avoided, replica];
            var (next, end) = Next(request, prompt, progress, fault, attempts, replica, avoided);
            if (end is not null)
            {
                yield return end;
                yield break;
            }

            if (progress.Ids.Count > 0)
                yield return new GenerationEvent.Resumed(IsExact(replica, next!));
            replica = next!;
        }
    }

    /// <summary>Who goes on with an answer, or its end where nothing was left to come.</summary>
    /// <exception cref="ChatException">The fault, where the answer cannot be had elsewhere.</exception>
    private (GeneratorReplica? Next, GenerationEvent.Finished? End) Next(
        ChatRequest request, EncodedPrompt prompt, GenerationProgress progress, ChatException fault, int attempts,
        GeneratorReplica replica, IReadOnlySet<GeneratorReplica> avoided)
    {
        var isBegun = progress.Ids.Count > 0;
        if (!IsElsewhere(fault.Error) || attempts >= _options.FailoversMax || (isBegun && request.Sampling.Processors?.Mirostat is > 0))
            throw fault;
        if (replica.Description is { } description && progress.End(request, prompt.Ids.Count, description) is { } end)
            return (null, end);
        var next = fleet.Pick(prompt, avoided) ?? throw fault;
        if (!fleet.Budget.TryTake())
        {
            Log.BudgetSpent(logger, request.RequestId);
            throw fault;
        }

        telemetry.Failovers.Add(1, new KeyValuePair<string, object?>("parley.failover", isBegun ? "resumed" : "begun anew"));
        Log.FailedOver(
            logger, request.RequestId, replica.Address.Authority, next.Address.Authority, progress.Ids.Count, fault.Error.LogMessage);
        return (next, null);
    }

    /// <summary>Whether another replica may do better: not with what is wrong with the request, nor where its time is over.</summary>
    private static bool IsElsewhere(ChatError error) => error.Retryable
        || error.Kind is ChatErrorKind.Unavailable or ChatErrorKind.Overloaded or ChatErrorKind.PairMismatch;

    /// <summary>Whether the replica is at fault, and not merely full, leaving, or of another model.</summary>
    private static bool IsOfReplica(ChatError error) => error.Kind switch
    {
        ChatErrorKind.Unavailable => error.RetryAfter is null,
        ChatErrorKind.Internal => true,
        _ => false,
    };

    private static bool IsExact(GeneratorReplica from, GeneratorReplica to) =>
        from.Description?.NumericsSha256 is { Length: > 0 } numerics && numerics == to.Description?.NumericsSha256;

    private static ChatException Nowhere() => new(new ChatError(ChatErrorKind.Unavailable, ChatError.NotAvailable)
    {
        Detail = "No Generator of the fleet takes requests.",
    });
}
