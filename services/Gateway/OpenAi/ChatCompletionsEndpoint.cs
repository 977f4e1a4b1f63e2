using Microsoft.Extensions.Options;
using Parley.Gateway.Chat;
using Parley.Gateway.Limits;
using Parley.Gateway.Upstream;

namespace Parley.Gateway.OpenAi;

/// <summary><c>POST /v1/chat/completions</c>: reads, calls the pipeline, writes one object or an event stream.</summary>
internal sealed class ChatCompletionsEndpoint(
    ChatPipeline pipeline, ChatRequestValidator validator, UpstreamPairing pairing, WriteLimit writeLimit, IOptions<GatewayOptions> options,
    TimeProvider time)
{
    public async Task HandleAsync(HttpContext context)
    {
        var request = await ReadAsync(context);
        if (request.Stream)
            await StreamAsync(context, request);
        else
            await AnswerAsync(context, request);
    }

    private async Task<ChatCompletionRequest> ReadAsync(HttpContext context)
    {
        using var body = await RequestBody.ReadAsync(context, options.Value.BodyBytesMax);
        var reader = new ChatCompletionRequestReader(options.Value.UnknownFields);
        var deadline = time.GetUtcNow() + TimeSpan.FromSeconds(options.Value.RequestDurationSecondsMax);
        var request = reader.Read(body.RootElement, context.TraceIdentifier, deadline);
        IgnoredFields.Tell(context, reader.Ignored);
        if (reader.Violations.Count == 0)
            return request;
        foreach (var violation in validator.FindFurther(reader.Violations, request.Chat, pairing.LastSeen, FieldNames.ToOpenAi))
            reader.Violations.Add(violation);
        throw new ChatException(ChatError.Invalid(reader.Violations));
    }

    private async Task AnswerAsync(HttpContext context, ChatCompletionRequest request)
    {
        var cancellationToken = context.RequestAborted;
        var pieces = new PieceTable(request.Chat.Conversation.ContinueFinalMessage);
        var result = new ChatCompletionResult(request.Chat.Choices);
        var model = "";
        await foreach (var update in pipeline.RunAsync(request.Chat, cancellationToken))
        {
            if (update is ChatUpdate.Accepted accepted)
            {
                model = accepted.Model;
                UnassertedFormats.Tell(context, accepted.UnassertedFormats);
            }
            else if (update is ChatUpdate.Delta delta)
                pieces.Learn(delta);
            else if (update is ChatUpdate.PromptLogprobs judged)
                pieces.Learn(judged.Pieces);
            result.Add(update);
        }

        await JsonAnswer.WriteAsync(context, json => Writer(model, request, pieces).WriteWhole(json, result));
    }

    private async Task StreamAsync(HttpContext context, ChatCompletionRequest request)
    {
        await using var events = new SseWriter(context, writeLimit, TimeSpan.FromSeconds(options.Value.KeepAliveSeconds), time);
        try
        {
            await using var updates = new ChatUpdateReader(pipeline, request.Chat, context.RequestAborted);
            await CopyAsync(context, updates, events, request);
        }
        catch (ChatException exception)
        {
            await events.StopKeepAliveAsync();
            if (!events.HasStarted)
                throw;
            await events.WriteFailureAsync(OpenAiError.From(exception.Error));
            return;
        }

        await events.WriteDoneAsync();
    }

    private async Task CopyAsync(HttpContext context, ChatUpdateReader updates, SseWriter events, ChatCompletionRequest request)
    {
        var pieces = new PieceTable(request.Chat.Conversation.ContinueFinalMessage);
        var writer = Writer("", request, pieces);
        while (await updates.MoveNextAsync())
        {
            switch (updates.Current)
            {
                case ChatUpdate.Accepted accepted:
                    UnassertedFormats.Tell(context, accepted.UnassertedFormats);
                    writer = Writer(accepted.Model, request, pieces);
                    for (var choice = 0u; choice < request.Chat.Choices; choice++)
                        await events.WriteAsync((writer, choice), static (json, state) => state.writer.WriteRole(json, state.choice));
                    break;
                case ChatUpdate.Delta delta when delta.TellsSomething || delta.Logprobs.Count > 0:
                    pieces.Learn(delta);
                    await events.WriteAsync((writer, delta), static (json, state) => state.writer.WriteDelta(json, state.delta));
                    break;
                case ChatUpdate.ChoiceFinished finished:
                    await events.WriteAsync((writer, finished), static (json, state) => state.writer.WriteFinish(json, state.finished));
                    break;
                case ChatUpdate.Completed completed when request.IncludeUsage:
                    await events.WriteAsync((writer, completed), static (json, state) => state.writer.WriteUsage(json, state.completed));
                    break;
                case ChatUpdate.Failed failed:
                    // Told by the caller of this method, when the request has given back its permit and its calls.
                    throw new ChatException(failed.Error);
            }

            // One packet for what is there already.
            if (!updates.TryAdvance())
                await events.FlushAsync();
        }
    }

    private ChatCompletionWriter Writer(string model, ChatCompletionRequest request, PieceTable pieces) => new(
        $"chatcmpl-{request.Chat.RequestId}", time.GetUtcNow().ToUnixTimeSeconds(), model, pairing.LastSeen?.Fingerprint(model) ?? "",
        request.IncludeUsage, pieces, request.Chat.ToolChoice == ToolChoice.Named);
}
