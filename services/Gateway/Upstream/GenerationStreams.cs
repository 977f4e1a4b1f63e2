using System.Runtime.CompilerServices;
using Microsoft.Extensions.Options;
using Parley.Gateway.Chat;

namespace Parley.Gateway.Upstream;

/// <summary>
/// Answers, whichever Generators compute them. What is lost before its first token begins anew elsewhere; what is lost behind it goes on
/// elsewhere from the ids that are there, with the same seed: the same answer, since the draw of a token depends on seed and place alone.
/// </summary>
internal sealed class GenerationStreams(
    GeneratorFleet fleet, GatewayTelemetry telemetry, IOptions<GatewayOptions> options, TimeProvider time,
    ILogger<GenerationStreams> logger)
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
        var replica = fleet.Pick(prompt, request.Adapter, avoided) ?? throw Nowhere();
        GeneratorDescription? before = null;
        for (var attempts = 0; ; attempts++)
        {
            if (fleet.IsBalanced || attempts > 0)
                await fleet.KnowAsync(replica, cancellationToken);
            var had = progress.Ids.Count;
            if (had > 0)
                yield return new GenerationEvent.Resumed(IsExact(before, replica.Description, request.Adapter));
            ChatException? fault;
            await using (var attempt =
                GenerationAttempt.Begin(replica, request, prompt, progress, _options, time, cancellationToken))
            {
                before = attempt.Description;
                while (true)
                {
                    (var happened, fault) = await attempt.ReadAsync();
                    if (happened is null)
                        break;
                    if (happened is GenerationEvent.Prompt)
                        fleet.Learn(replica, prompt.Ids, [], request.Adapter);
                    if (progress.Take(happened) is { } told)
                        yield return told;
                }

                if (fault is null)
                {
                    fleet.Learn(replica, prompt.Ids, progress.Ids, request.Adapter);
                    yield break;
                }

                if (IsOfReplica(fault.Error) && attempt.Fail())
                    Log.BreakerOpened(logger, replica.Address.Authority, fault.Error.LogMessage);
            }

            // Whoever has got further since has not failed for the same cause as those before.
            avoided = progress.Ids.Count > had ? new HashSet<GeneratorReplica> { replica } : [.. avoided, replica];
            if (!MayMove(request, progress, fault.Error, attempts))
                throw fault;
            if (before is not null && progress.End(request, prompt.Ids.Count, before) is { } end)
            {
                yield return end;
                yield break;
            }

            replica = await NextAsync(request, prompt, progress, fault, replica, avoided, cancellationToken);
        }
    }

    private bool MayMove(ChatRequest request, GenerationProgress progress, ChatError error, int attempts) =>
        IsElsewhere(error) && attempts < _options.FailoversMax
        // Its state is of past steps, which ids do not tell.
        && (progress.Ids.Count == 0 || request.Sampling.Processors?.Mirostat is null or 0);

    /// <summary>Who goes on with an answer.</summary>
    /// <exception cref="ChatException">The fault, where nobody can.</exception>
    private async Task<GeneratorReplica> NextAsync(
        ChatRequest request, EncodedPrompt prompt, GenerationProgress progress, ChatException fault, GeneratorReplica replica,
        IReadOnlySet<GeneratorReplica> avoided, CancellationToken cancellationToken)
    {
        var next = fleet.Pick(prompt, request.Adapter, avoided);
        // Whoever has not heard a word is told at once and may ask again; who has read half an answer waits.
        if (next is null && progress.Ids.Count > 0)
            next = await fleet.AwaitAsync(prompt, cancellationToken);
        if (next is null)
            throw fault;
        if (!fleet.Budget.TryTake())
        {
            Log.BudgetSpent(logger, request.RequestId);
            throw fault;
        }

        telemetry.Move(hasBegun: progress.Ids.Count > 0);
        Log.FailedOver(
            logger, request.RequestId, replica.Address.Authority, next.Address.Authority, progress.Ids.Count, fault.Error.LogMessage);
        return next;
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

    private static bool IsExact(GeneratorDescription? from, GeneratorDescription? to, string adapter) =>
        from?.NumericsSha256 is { Length: > 0 } numerics && numerics == to?.NumericsSha256
        && from.Adapters.FirstOrDefault(one => one.Name == adapter) == to.Adapters.FirstOrDefault(one => one.Name == adapter);

    private static ChatException Nowhere() => new(new ChatError(ChatErrorKind.Unavailable, ChatError.NotAvailable)
    {
        Detail = "No Generator of the fleet takes requests.",
    });
}
