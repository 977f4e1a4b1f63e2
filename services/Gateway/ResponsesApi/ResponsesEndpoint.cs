using System.Buffers;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Parley.Gateway.Chat;
using Parley.Gateway.KeptResponses;
using Parley.Gateway.Limits;
using Parley.Gateway.OpenAi;
using Parley.Gateway.Upstream;

namespace Parley.Gateway.ResponsesApi;

/// <summary><c>POST /v1/responses</c>: reads, calls the pipeline, writes one object or an event stream, and keeps the answer.</summary>
internal sealed class ResponsesEndpoint(
    ResponseRequests requests, ChatPipeline pipeline, ChatRequestValidator validator, UpstreamPairing pairing, TokenizerClient tokenizer,
    ResponseStore store, RunningResponses running, Callers callers, WriteLimit writeLimit, IOptions<GatewayOptions> options,
    TimeProvider time)
{
    public async Task HandleAsync(HttpContext context)
    {
        try
        {
            var request = await requests.ReadAsync(context);
            using var run = running.Begin(request.Id, callers.Current.Name, context.RequestAborted);
            if (request.Stream)
                await StreamAsync(context, request, run);
            else
                await AnswerAsync(context, request, run);
        }
        catch (ChatException exception)
        {
            throw ResponseRequests.Named(exception);
        }
    }

    /// <summary><c>POST /v1/responses/input_tokens</c>: how long the prompt would be.</summary>
    public async Task CountAsync(HttpContext context)
    {
        try
        {
            var request = await requests.ReadAsync(context);
            var violations = validator.Validate(request.Chat, pairing.LastSeen?.Names);
            if (violations.Count > 0)
                throw new ChatException(ChatError.Invalid(violations));
            var prompt = await tokenizer.EncodeChatAsync(request.Chat, withText: false, context.RequestAborted);
            await JsonAnswer.WriteAsync(context, json =>
            {
                json.WriteStartObject();
                json.WriteString("object", "response.input_tokens");
                json.WriteNumber("input_tokens", prompt.Ids.Count);
                json.WriteEndObject();
            });
        }
        catch (ChatException exception)
        {
            throw ResponseRequests.Named(exception);
        }
    }

    private async Task AnswerAsync(HttpContext context, ResponseRequest request, RunningResponse run)
    {
        var output = new ResponseOutput(request.Id, request.Logprobs, request.ReasoningSummary is not null);
        var writer = Writer(request, "");
        try
        {
            await foreach (var update in pipeline.RunAsync(request.Chat, run.Token))
            {
                if (update is ChatUpdate.Accepted accepted)
                    writer = Accept(context, request, accepted);
                else if (update is ChatUpdate.Failed failed)
                    throw new ChatException(failed.Error);
                _ = output.Take(update);
            }
        }
        catch (OperationCanceledException) when (run.IsCancelled && !context.RequestAborted.IsCancellationRequested)
        {
            output.Break();
        }

        var response = await EndAsync(request, writer, output, run, context.RequestAborted);
        await JsonAnswer.WriteAsync(context, json => json.WriteRawValue(response.Span, skipInputValidation: true));
    }

    private async Task StreamAsync(HttpContext context, ResponseRequest request, RunningResponse run)
    {
        await using var events = new SseWriter(context, writeLimit, TimeSpan.FromSeconds(options.Value.KeepAliveSeconds), time);
        var stream = new ResponseStream(events);
        var output = new ResponseOutput(request.Id, request.Logprobs, request.ReasoningSummary is not null);
        ResponseWriter? writer = null;
        try
        {
            await using var updates = new ChatUpdateReader(pipeline, request.Chat, run.Token);
            while (await updates.MoveNextAsync())
            {
                if (updates.Current is ChatUpdate.Failed failed)
                    throw new ChatException(failed.Error);
                if (updates.Current is ChatUpdate.Accepted accepted)
                    writer = await BeginAsync(context, request, accepted, stream);
                foreach (var one in output.Take(updates.Current))
                    await stream.WriteAsync(one);
                // One packet for what is there already.
                if (!updates.TryAdvance())
                    await events.FlushAsync();
            }
        }
        catch (ChatException exception)
        {
            await events.StopKeepAliveAsync();
            if (!events.HasStarted)
                throw;
            await FailAsync(stream, output, writer, exception.Error);
            await events.EndAsync();
            return;
        }
        catch (OperationCanceledException) when (run.IsCancelled && !context.RequestAborted.IsCancellationRequested)
        {
            foreach (var one in output.Break())
                await stream.WriteAsync(one);
        }

        // Kept before it is told, so that a client that goes on at once finds it.
        writer ??= Writer(request, "");
        var response = await EndAsync(request, writer, output, run, context.RequestAborted);
        await stream.WriteAsync(
            output.Reason is null or ChatFinishReason.Length ? "response.incomplete" : "response.completed",
            json => json.WriteRawValue(response.Span, skipInputValidation: true));
        await events.EndAsync();
    }

    private async ValueTask<ResponseWriter> BeginAsync(
        HttpContext context, ResponseRequest request, ChatUpdate.Accepted accepted, ResponseStream stream)
    {
        var writer = Accept(context, request, accepted);
        await stream.WriteAsync("response.created", json => writer.Write(json, "in_progress", null));
        await stream.WriteAsync("response.in_progress", json => writer.Write(json, "in_progress", null));
        return writer;
    }

    private static async ValueTask FailAsync(ResponseStream stream, ResponseOutput output, ResponseWriter? writer, ChatError error)
    {
        if (writer is not null)
        {
            await stream.WriteAsync("response.failed", json => writer.Write(json, "failed", output, error));
            return;
        }

        // Before there was a response: keep-alive comments have taken the status.
        var told = OpenAiError.From(FieldNames.Rename(error, ResponseNames.Of));
        await stream.WriteAsync(new ResponseEvent("error", json =>
        {
            json.WriteString("code", told.Code);
            json.WriteString("message", told.Message);
            json.WriteString("param", told.Param);
        }));
    }

    private ResponseWriter Accept(HttpContext context, ResponseRequest request, ChatUpdate.Accepted accepted)
    {
        UnassertedFormats.Tell(context, accepted.UnassertedFormats);
        ResponseRequests.TellDropped(context, accepted);
        return Writer(request, accepted.Model);
    }

    /// <summary>The response as it ended, kept where that was asked for and possible.</summary>
    private async Task<ReadOnlyMemory<byte>> EndAsync(
        ResponseRequest request, ResponseWriter writer, ResponseOutput output, RunningResponse run, CancellationToken cancellationToken)
    {
        var status = output.Reason switch
        {
            null => "cancelled",
            ChatFinishReason.Length => "incomplete",
            _ => "completed",
        };
        var response = Serialize(writer, status, output);
        if (request.Store && !await store.TryKeepAsync(request.Id, writer.Entry(run.Owner, response), cancellationToken))
        {
            writer.IsKept = false;
            response = Serialize(writer, status, output);
        }

        run.End(response.ToArray());
        return response;
    }

    private static ReadOnlyMemory<byte> Serialize(ResponseWriter writer, string status, ResponseOutput output)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, ChatCompletionWriter.JsonOptions))
            writer.Write(json, status, output);
        return buffer.WrittenMemory;
    }

    private ResponseWriter Writer(ResponseRequest request, string model) => new(request, model, time.GetUtcNow().ToUnixTimeSeconds());
}
