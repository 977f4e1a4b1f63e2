using Grpc.Core;
using Microsoft.Extensions.Options;
using Parley.Gateway.Chat;
using Parley.Gateway.Limits;
using Parley.Gateway.Upstream;
using Parley.Gateway.V1;

namespace Parley.Gateway;

/// <summary>The gRPC edge: maps, calls the pipeline, maps back.</summary>
internal sealed class ChatCompletionService(
    ChatPipeline pipeline, TokenizerClient tokenizer, UpstreamPairing pairing, WriteLimit writeLimit, IOptions<GatewayOptions> options,
    TimeProvider time)
    : ChatCompletion.ChatCompletionBase
{
    private static readonly WriteOptions Buffered = new(WriteFlags.BufferHint);

    private TimeSpan RetryAfter => TimeSpan.FromSeconds(options.Value.RetryAfterSeconds);

    public override async Task Complete(
        CompleteRequest request, IServerStreamWriter<CompleteResponse> responseStream, ServerCallContext context)
    {
        var chat = ChatMapping.ToDomain(request, RequestIdOf(request, context), DeadlineOf(context));
        await using var updates = new ChatUpdateReader(pipeline, chat, context.CancellationToken);
        try
        {
            while (await updates.MoveNextAsync())
            {
                var message = ChatMapping.ToProto(updates.Current);
                // What is followed at once by more need not be sent by itself.
                responseStream.WriteOptions = updates.TryAdvance() ? Buffered : WriteOptions.Default;
                var writing = responseStream.WriteAsync(message, context.CancellationToken);
                await writeLimit.WaitAsync(writing, context.GetHttpContext(), chat.RequestId);
            }
        }
        catch (ChatException exception)
        {
            throw ChatFault.ToRpcException(exception.Error, RetryAfter);
        }
    }

    public override async Task<InspectResponse> Inspect(InspectRequest request, ServerCallContext context)
    {
        var message = request.Request ?? new CompleteRequest();
        var chat = ChatMapping.ToDomain(message, RequestIdOf(message, context), DeadlineOf(context));
        chat = chat with
        {
            Inspect = true,
            Sampling = chat.Sampling with { TraceCandidates = request.HasCandidates ? request.Candidates : chat.Sampling.TraceCandidates },
        };
        try
        {
            if (chat.Choices != 1)
                throw new ChatException(ChatError.Invalid([new ChatViolation("request.n", $"must be 1 here (it is {chat.Choices})")]));
            return await InspectAsync(chat, context.CancellationToken);
        }
        catch (ChatException exception)
        {
            throw ChatFault.ToRpcException(exception.Error, RetryAfter);
        }
    }

    private async Task<InspectResponse> InspectAsync(ChatRequest chat, CancellationToken cancellationToken)
    {
        var response = new InspectResponse { RequestId = chat.RequestId };
        var ids = new List<uint>();
        var text = new System.Text.StringBuilder();
        await foreach (var update in pipeline.RunAsync(chat, cancellationToken))
        {
            switch (update)
            {
                case ChatUpdate.Accepted accepted:
                    response.Model = accepted.Model;
                    AddPrompt(response, accepted.Rendered);
                    break;
                case ChatUpdate.Delta delta:
                    ids.AddRange(delta.Ids.Span);
                    text.Append(delta.Text);
                    response.Traces.AddRange(delta.Traces.Select(ChatMapping.ToProto));
                    break;
                case ChatUpdate.ChoiceFinished finished:
                    response.Reason = ChatMapping.ToProto(finished.Reason);
                    response.Seed = finished.Seed;
                    if (finished.Stop is not null)
                        response.Stop = finished.Stop;
                    break;
                case ChatUpdate.Completed completed:
                    response.Usage = ChatMapping.ToProto(completed.Usage);
                    response.Timings = ChatMapping.ToProto(completed.Timings);
                    break;
                case ChatUpdate.Failed failed:
                    throw new ChatException(failed.Error);
            }
        }

        response.Text = text.ToString();
        if (ids.Count > 0)
        {
            var pieces = await tokenizer.PiecesAsync(ids, chat.Conversation.ContinueFinalMessage, cancellationToken);
            response.Answer.AddRange(pieces.Select(ChatMapping.ToProto));
        }

        var defaults = pairing.LastSeen?.Generator.DefaultSampling ?? new SamplingSettings();
        response.Sampling = ProtoMapping.ToProto(chat.Sampling.Over(defaults));
        return response;
    }

    private static void AddPrompt(InspectResponse response, RenderedPrompt? rendered)
    {
        if (rendered is null)
            return;
        response.Rendered = rendered.Text;
        response.UserRanges.AddRange(rendered.UserRanges.Select(range =>
            new Tokenizer.V1.TextRange { Start = range.Start, Length = range.Length }));
        response.Prompt.AddRange(rendered.Pieces.Select(ChatMapping.ToProto));
    }

    private string RequestIdOf(CompleteRequest request, ServerCallContext context) =>
        RequestIds.Take(
            request.RequestId.Length > 0 ? request.RequestId : context.RequestHeaders.GetValue(RequestMetadata.RequestIdHeader), time);

    private static DateTimeOffset? DeadlineOf(ServerCallContext context) =>
        context.Deadline == DateTime.MaxValue ? null : new DateTimeOffset(DateTime.SpecifyKind(context.Deadline, DateTimeKind.Utc));
}
