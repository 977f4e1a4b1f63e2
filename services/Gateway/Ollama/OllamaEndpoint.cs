using System.Buffers;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Parley.Gateway.Chat;
using Parley.Gateway.Limits;
using Parley.Gateway.OpenAi;
using Parley.Gateway.Upstream;

namespace Parley.Gateway.Ollama;

/// <summary><c>POST /api/chat</c> and <c>POST /api/generate</c>.</summary>
internal sealed class OllamaEndpoint(
    ChatPipeline pipeline, ChatRequestValidator validator, UpstreamPairing pairing, Callers callers, WriteLimit writeLimit,
    IOptions<GatewayOptions> options, TimeProvider time)
{
    public async Task ChatAsync(HttpContext context)
    {
        using var body = await RequestBody.ReadAsync(context, options.Value.BodyBytesMax, anyType: true);
        var reader = new OllamaChatReader(options.Value.UnknownFields);
        var request = reader.Read(body.RootElement, context.TraceIdentifier, Deadline(), pairing.LastSeen?.Names);
        await HandleAsync(context, request, reader.Fields, isChat: true);
    }

    public async Task GenerateAsync(HttpContext context)
    {
        using var body = await RequestBody.ReadAsync(context, options.Value.BodyBytesMax, anyType: true);
        var reader = new OllamaGenerateReader(options.Value.UnknownFields);
        var request = reader.Read(body.RootElement, context.TraceIdentifier, Deadline(), pairing.LastSeen?.Names);
        await HandleAsync(context, request, reader.Fields, isChat: false);
    }

    private async Task HandleAsync(HttpContext context, OllamaRequest request, RequestFields fields, bool isChat)
    {
        Func<string, string> nameOf = isChat ? OllamaNames.OfChat : OllamaNames.OfGenerate;
        IgnoredFields.Tell(context, fields.Ignored);
        try
        {
            Check(request, fields, nameOf);
            if (request.IsLoad)
                await LoadAsync(context, request, isChat);
            else if (request.Stream)
                await StreamAsync(context, request, isChat, nameOf);
            else
                await AnswerAsync(context, request, isChat);
        }
        catch (ChatException exception)
        {
            throw new OpenAiException(OllamaErrors.From(exception.Error, nameOf));
        }
    }

    private DateTimeOffset Deadline() => time.GetUtcNow() + TimeSpan.FromSeconds(options.Value.RequestDurationSecondsMax);

    private void Check(OllamaRequest request, RequestFields fields, Func<string, string> nameOf)
    {
        if (fields.Violations.Count == 0)
            return;
        if (!request.IsLoad)
        {
            foreach (var violation in validator.FindFurther(
                fields.Violations, request.Chat, pairing.LastSeen, field => nameOf(FieldNames.ToOpenAi(field))))
                fields.Violations.Add(violation);
        }

        throw new ChatException(ChatError.Invalid(fields.Violations));
    }

    private async Task LoadAsync(HttpContext context, OllamaRequest request, bool isChat)
    {
        var pair = await pairing.GetAsync(context.RequestAborted);
        if (request.Chat.Model.Length > 0 && !pair.Names.Contains(request.Chat.Model))
            throw new ChatException(ChatRequestValidator.ModelNotFound(request.Chat.Model, pair.Model));
        callers.Current.Require(request.Chat.Model, pair.NamesFor(request.Chat.Model));
        await JsonAnswer.WriteAsync(context, json => Lines(pair.Model, isChat, new PieceTable(false)).WriteLoaded(json));
    }

    private async Task AnswerAsync(HttpContext context, OllamaRequest request, bool isChat)
    {
        var pieces = new PieceTable(request.Chat.Prompt is not null);
        var result = new ChatCompletionResult(1);
        var model = "";
        await foreach (var update in pipeline.RunAsync(request.Chat, context.RequestAborted))
        {
            if (update is ChatUpdate.Accepted accepted)
            {
                model = accepted.Model;
                UnassertedFormats.Tell(context, accepted.UnassertedFormats);
            }
            else if (update is ChatUpdate.Delta delta)
            {
                pieces.Learn(delta);
            }

            result.Add(update);
        }

        await JsonAnswer.WriteAsync(context, json => Lines(model, isChat, pieces).WriteWhole(json, result, ContextOf(request, result)));
    }

    private async Task StreamAsync(HttpContext context, OllamaRequest request, bool isChat, Func<string, string> nameOf)
    {
        await using var lines = new SseWriter(
            context, writeLimit, TimeSpan.FromSeconds(options.Value.KeepAliveSeconds), time, Framing(request, isChat));
        try
        {
            await using var updates = new ChatUpdateReader(pipeline, request.Chat, context.RequestAborted);
            await CopyAsync(context, updates, lines, request, isChat);
        }
        catch (ChatException exception)
        {
            await lines.StopKeepAliveAsync();
            if (!lines.HasStarted)
                throw;
            // The protocol has a line for it, after which a stream ends in good order.
            await lines.WriteAsync(OllamaErrors.From(exception.Error, nameOf), static (json, error) => OllamaErrors.Write(json, error));
        }

        await lines.EndAsync();
    }

    private async Task CopyAsync(HttpContext context, ChatUpdateReader updates, SseWriter lines, OllamaRequest request, bool isChat)
    {
        var pieces = new PieceTable(request.Chat.Prompt is not null);
        var writer = Lines("", isChat, pieces);
        var result = new ChatCompletionResult(1);
        while (await updates.MoveNextAsync())
        {
            var update = updates.Current;
            // Its failure is told by the caller of this method, when the request has given back its permit and its calls.
            result.Add(update);
            switch (update)
            {
                case ChatUpdate.Accepted accepted:
                    UnassertedFormats.Tell(context, accepted.UnassertedFormats);
                    writer = Lines(accepted.Model, isChat, pieces);
                    break;
                case ChatUpdate.Delta delta when delta.Text.Length > 0 || delta.Reasoning.Length > 0 || delta.Logprobs.Count > 0:
                    pieces.Learn(delta);
                    await lines.WriteAsync((writer, delta), static (json, state) => state.writer.WriteDelta(json, state.delta));
                    break;
                case ChatUpdate.Completed:
                    if (result.Choices[0].Calls.Count > 0)
                    {
                        await lines.WriteAsync(
                            (writer, result), static (json, state) => state.writer.WriteCalls(json, state.result.Choices[0]));
                    }

                    await lines.WriteAsync((writer, result, ContextOf(request, result)),
                        static (json, state) => state.writer.WriteEnd(json, state.result, state.Item3));
                    break;
            }

            // One packet for what is there already.
            if (!updates.TryAdvance())
                await lines.FlushAsync();
        }
    }

    /// <summary>The conversation with its answer, for the prompt that comes next.</summary>
    private static IReadOnlyList<int>? ContextOf(OllamaRequest request, ChatCompletionResult result) => !request.HasContext
        ? null
        : ContextNumbers.Write([
            .. request.Chat.Conversation.Messages, new ChatMessage { Role = "assistant", Content = result.Choices[0].Text.ToString() },
        ]);

    /// <summary>While there is nothing to say, a line says that: an empty piece of the answer.</summary>
    private StreamFraming Framing(OllamaRequest request, bool isChat)
    {
        var model = request.Chat.Model.Length > 0 ? request.Chat.Model : pairing.LastSeen?.Model ?? "";
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, ChatCompletionWriter.JsonOptions))
            Lines(model, isChat, new PieceTable(false)).WriteDelta(json, new ChatUpdate.Delta(0, "", default, [], []));
        buffer.Write("\n"u8);
        return StreamFraming.Lines(buffer.WrittenMemory);
    }

    private AnswerLines Lines(string model, bool isChat, PieceTable pieces) => new(model, isChat, pieces, time);
}
