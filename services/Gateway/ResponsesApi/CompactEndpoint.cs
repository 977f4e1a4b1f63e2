using Microsoft.Extensions.Options;
using Parley.Gateway.Chat;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.ResponsesApi;

/// <summary>
/// <c>POST /v1/responses/compact</c>: the model writes a summary of the conversation, and the answer is what to go on with: every message
/// of the user and the system as it stands, and the summary in the place of all else. Nothing is kept.
/// </summary>
internal sealed class CompactEndpoint(
    ResponseRequests requests, ChatPipeline pipeline, IOptions<GatewayOptions> options, TimeProvider time)
{
    private const string Instruction = "Write a summary of our conversation so far, for yourself: you will go on from it alone, with my "
        + "messages but without your answers, your calls and their results. Say what was found, decided and done, which names, numbers and "
        + "texts matter, and what is still open. Write the summary and nothing else.";

    /// <summary>Thoughts would spend the summary's tokens; templates without such a switch write the same prompt.</summary>
    private const string WithoutThoughts = """{"enable_thinking":false,"thinking":false}""";

    public async Task HandleAsync(HttpContext context)
    {
        try
        {
            var request = await requests.ReadAsync(context);
            if (request.Stream)
                throw new OpenAiException(OpenAiError.Invalid(
                    "A compaction is not streamed; leave stream away.", "stream", ErrorCodes.Of(ViolationReason.Unsupported)));
            await CompactAsync(context, request);
        }
        catch (ChatException exception)
        {
            throw ResponseRequests.Named(exception);
        }
    }

    private async Task CompactAsync(HttpContext context, ResponseRequest request)
    {
        var output = new ResponseOutput(request.Id, withLogprobs: false);
        await foreach (var update in pipeline.RunAsync(Asked(request.Chat), context.RequestAborted))
        {
            if (update is ChatUpdate.Accepted accepted)
                ResponseRequests.TellDropped(context, accepted);
            else if (update is ChatUpdate.Failed failed)
                throw new ChatException(failed.Error);
            _ = output.Take(update);
        }

        var said = output.Items.Where(item => item.Kind == OutputKind.Message).Select(item => item.Text.ToString());
        var summary = string.Concat(said).Trim();
        if (summary.Length == 0)
            throw new OpenAiException(new OpenAiError(
                StatusCodes.Status500InternalServerError, "server_error", "compaction_failed", null,
                $"The model wrote no summary in {options.Value.CompactionTokensMax} tokens (Gateway:CompactionTokensMax); "
                + "go on with the conversation as it is."));
        await JsonAnswer.WriteAsync(context, json =>
        {
            json.WriteStartObject();
            json.WriteString("id", request.Id);
            json.WriteString("object", "response.compaction");
            json.WriteNumber("created_at", time.GetUtcNow().ToUnixTimeSeconds());
            json.WriteStartArray("output");
            foreach (var item in request.Items.Where(item => item is ResponseItem.Message { Role: not "assistant" }))
                ItemWriter.Write(json, item);
            ItemWriter.Write(json, new ResponseItem.Compaction(ItemIds.Item("cmp", request.Id, 0), summary));
            json.WriteEndArray();
            ResponseWriter.WriteUsage(json, output.Usage);
            json.WriteEndObject();
        });
    }

    /// <summary>The conversation with the wish for a summary behind it; what a request says of answers does not hold for that.</summary>
    private ChatRequest Asked(ChatRequest chat) => chat with
    {
        Conversation = chat.Conversation with
        {
            Messages = Ending(chat.Conversation.Messages),
            ToolsJson = [],
            TemplateArgumentsJson = chat.Conversation.TemplateArgumentsJson is { Length: > 0 } given ? given : WithoutThoughts,
        },
        Sampling = chat.Sampling with
        {
            Guide = null,
            Logprobs = null,
            TopLogprobs = null,
            MaxTokens = Math.Min(chat.Sampling.MaxTokens ?? uint.MaxValue, (uint)options.Value.CompactionTokensMax),
        },
        ToolChoice = default,
        ToolName = "",
        AllowedTools = [],
        Stop = [],
        TokenPieces = false,
        // A conversation that has grown too long is what this is asked for.
        DropsOldestTurns = true,
    };

    private static IReadOnlyList<ChatMessage> Ending(IReadOnlyList<ChatMessage> messages)
    {
        if (messages.Count == 0 || messages[^1] is not { Role: "user" } last)
            return [.. messages, new ChatMessage { Role = "user", Content = Instruction }];
        // Turns alternate; a question that waits for its answer is one with the wish.
        IReadOnlyList<string> texts = [.. last.Content is null ? last.Parts : [last.Content], Instruction];
        return [.. messages.SkipLast(1), last with { Content = null, Parts = texts }];
    }
}
