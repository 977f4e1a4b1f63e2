using Microsoft.Extensions.Options;
using Parley.Gateway.Chat;
using Parley.Gateway.Limits;
using Parley.Gateway.OpenAi;
using Parley.Gateway.Upstream;

namespace Parley.Gateway.Anthropic;

/// <summary><c>POST /v1/messages</c> and <c>POST /v1/messages/count_tokens</c>.</summary>
internal sealed class MessagesEndpoint(
    ChatPipeline pipeline, ChatRequestValidator validator, UpstreamPairing pairing, WriteLimit writeLimit, IOptions<GatewayOptions> options,
    TimeProvider time)
{
    private static readonly StreamFraming Framing = StreamFraming.Events("event: ping\ndata: {\"type\":\"ping\"}\n\n"u8);

    private TimeSpan RetryAfter => TimeSpan.FromSeconds(options.Value.RetryAfterSeconds);

    public async Task HandleAsync(HttpContext context)
    {
        var request = await ReadAsync(context, isCount: false);
        try
        {
            request = await WithBudgetAsync(context, request);
            if (request.Stream)
                await StreamAsync(context, request);
            else
                await AnswerAsync(context, request);
        }
        catch (ChatException exception)
        {
            throw Refused(exception.Error, request);
        }
    }

    public async Task CountAsync(HttpContext context)
    {
        var request = await ReadAsync(context, isCount: true);
        try
        {
            // What bounds an answer is no matter of its prompt.
            var tokens = await pipeline.CountAsync(request.Chat with { ReasoningTokensMax = null }, context.RequestAborted);
            await JsonAnswer.WriteAsync(context, json =>
            {
                json.WriteStartObject();
                json.WriteNumber("input_tokens", tokens);
                json.WriteEndObject();
            });
        }
        catch (ChatException exception)
        {
            throw Refused(exception.Error, request);
        }
    }

    private async Task<MessagesRequest> ReadAsync(HttpContext context, bool isCount)
    {
        using var body = await RequestBody.ReadAsync(context, options.Value.BodyBytesMax);
        var reader = new MessagesRequestReader(options.Value.UnknownFields, isCount);
        var deadline = time.GetUtcNow() + TimeSpan.FromSeconds(options.Value.RequestDurationSecondsMax);
        var request = reader.Read(body.RootElement, context.TraceIdentifier, deadline);
        IgnoredFields.Tell(context, reader.Ignored);
        if (reader.Violations.Count == 0)
            return request with { Ignored = reader.Ignored };
        if (!reader.Violations.Any(violation => violation.Field == "messages"))
        {
            foreach (var violation in validator.FindFurther(reader.Violations, request.Chat, pairing.LastSeen, request.Places.NameOf))
                reader.Violations.Add(violation);
        }

        throw Refused(ChatError.Invalid(reader.Violations), request);
    }

    /// <summary>
    /// Who asks for thinking must say how much, so clients say it to every model. One of which it is not known that and how it reasons is
    /// not refused for it: the budget is read over, and told.
    /// </summary>
    private async ValueTask<MessagesRequest> WithBudgetAsync(HttpContext context, MessagesRequest request)
    {
        if (request.Chat.ReasoningTokensMax is null || (await pairing.GetAsync(context.RequestAborted)).Format?.Reasoning is not null)
            return request;
        IgnoredFields.Tell(context, [.. request.Ignored, request.Chat.ReasoningField]);
        return request with { Chat = request.Chat with { ReasoningTokensMax = null } };
    }

    private async Task AnswerAsync(HttpContext context, MessagesRequest request)
    {
        var result = new ChatCompletionResult(1);
        var model = "";
        await foreach (var update in pipeline.RunAsync(request.Chat, context.RequestAborted))
        {
            if (update is ChatUpdate.Accepted accepted)
            {
                model = accepted.Model;
                UnassertedFormats.Tell(context, accepted.UnassertedFormats);
            }

            result.Add(update);
        }

        await JsonAnswer.WriteAsync(context, json => Writer(model, request).WriteWhole(json, result));
    }

    private async Task StreamAsync(HttpContext context, MessagesRequest request)
    {
        await using var events = new SseWriter(
            context, writeLimit, TimeSpan.FromSeconds(options.Value.KeepAliveSeconds), time, Framing);
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
            var error = AnthropicErrors.From(exception.Error, request.Places, RetryAfter);
            await events.WriteAsync((error, request.Chat.RequestId),
                static (json, state) => AnthropicErrors.Write(json, state.error, state.RequestId), "error");
            await events.FlushAsync();
            return;
        }

        await events.EndAsync();
    }

    private static async Task CopyAsync(HttpContext context, ChatUpdateReader updates, SseWriter events, MessagesRequest request)
    {
        MessageStream? stream = null;
        while (await updates.MoveNextAsync())
        {
            switch (updates.Current)
            {
                case ChatUpdate.Accepted accepted:
                    UnassertedFormats.Tell(context, accepted.UnassertedFormats);
                    stream = new MessageStream(events, Writer(accepted.Model, request), request);
                    await stream.BeginAsync(accepted.PromptTokens);
                    break;
                case ChatUpdate.Delta { TellsSomething: true } delta:
                    await stream!.TellAsync(delta);
                    break;
                case ChatUpdate.ChoiceFinished finished:
                    stream!.Finish(finished);
                    break;
                case ChatUpdate.Completed completed:
                    await stream!.EndAsync(completed.Usage);
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

    private static MessageWriter Writer(string model, MessagesRequest request) => new($"msg_{request.Chat.RequestId}", model, request);

    private OpenAiException Refused(ChatError error, MessagesRequest request) =>
        new(AnthropicErrors.From(error, request.Places, RetryAfter));
}
