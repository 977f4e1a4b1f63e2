using static Parley.Gateway.ApiDescription.Faults;

namespace Parley.Gateway.ApiDescription;

/// <summary>The routes in Anthropic's shape.</summary>
internal static class AnthropicOperations
{
    private const string Tag = "Anthropic";

    public static IEnumerable<Operation> All =>
    [
        new("POST", "/v1/messages", "createMessage", Tag, "A message that answers a conversation.")
        {
            Request = "MessagesRequest",
            Example = """{"messages": [{"role": "user", "content": "What is a KV cache?"}], "max_tokens": 64}""",
            Answers =
            [
                Answer.Json("Message"),
                Answer.EventStream(
                    "MessageEvent", "It ends with message_stop; an error on the way is an event `error`, and nothing follows it."),
            ],
            Protocol = Protocol.Anthropic,
            Faults = [.. OfModel, 529],
            Headers = [HeaderNames.Ignored, HeaderNames.Unasserted, .. HeaderNames.OfAnthropic],
        },
        new("POST", "/v1/messages/count_tokens", "countMessageTokens", Tag, "The tokens of a conversation.")
        {
            Request = "CountTokensRequest",
            Example = """{"messages": [{"role": "user", "content": "What is a KV cache?"}]}""",
            Answers = [Answer.Json("MessageTokens")],
            Protocol = Protocol.Anthropic,
            Faults = [.. OfModel, 529],
            Headers = [HeaderNames.Ignored, .. HeaderNames.OfAnthropic],
        },
    ];
}
