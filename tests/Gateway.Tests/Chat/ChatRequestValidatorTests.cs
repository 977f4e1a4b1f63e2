using Microsoft.Extensions.Options;
using Parley.Gateway.Chat;

namespace Parley.Gateway.Tests.Chat;

public sealed class ChatRequestValidatorTests
{
    private static readonly ChatRequestValidator Validator = new(
        Options.Create(new GatewayOptions { ExtraRoles = { "ipython" }, CharactersMax = 10 }));

    private static ChatRequest Request(params ChatMessage[] messages) => new()
    {
        RequestId = "r",
        Conversation = new Conversation { Messages = messages.Length > 0 ? messages : [new ChatMessage { Role = "user", Content = "Hi" }] },
    };

    private static string[] Fields(ChatRequest request, string? model = null) =>
        [.. Validator.Validate(request, model is null ? null : [model]).Select(one => one.Field)];

    [Fact]
    public void Validate_GoodRequest_HasNoViolations() => Assert.Empty(Fields(Request(), "any"));

    [Fact]
    public void Validate_FieldsUnderOtherNames_AreRefusedByThose()
    {
        var request = Request() with
        {
            Stop = ["a", ""],
            Sampling = new SamplingSettings { MaxTokens = 0, TopP = 2, Processors = new ProcessorSettings { Mirostat = 3 } },
            FieldsAsSent = new Dictionary<string, string>
            {
                ["stop"] = "stop_strings",
                ["max_tokens"] = "options.num_predict",
                ["mirostat"] = "mirostat_mode",
                ["min_p"] = "options.min_p",
            },
        };

        Assert.Equal(["stop_strings[1]", "sampling.top_p", "options.num_predict", "mirostat_mode"], Fields(request));
        Assert.Equal("options.min_p", request.NameAsSent("sampling.min_p"));
        Assert.Equal("mirostat_mode", request.NameAsSent("sampling.processors.mirostat"));
    }

    [Fact]
    public void Validate_EverythingWrong_ListsAll()
    {
        var request = Request() with
        {
            Model = "other",
            Conversation = new Conversation
            {
                Messages = [],
                TemplateArgumentsJson = "[]",
                ToolsJson = ["{"],
                ContinueFinalMessage = true,
                AddGenerationPrompt = true,
            },
            Choices = 0,
            Stop = ["", new string('x', 300)],
            Sampling = new SamplingSettings
            {
                Temperature = float.NaN,
                TopP = -0.1f,
                MinP = 1.5f,
                TypicalP = 2,
                PresencePenalty = 3,
                FrequencyPenalty = -3,
                RepetitionPenalty = 0,
                LogitBias = new Dictionary<uint, float> { [4] = 101 },
                MaxTokens = 0,
                MinTokens = 5,
                TopLogprobs = 99,
                TraceCandidates = 1000,
            },
        };

        Assert.Equal(
            [
                "model", "chat.messages", "chat.add_generation_prompt", "chat.template_arguments_json", "chat.tools_json[0]", "stop[0]",
                    "stop[1]", "n",
                "sampling.temperature", "sampling.top_p", "sampling.min_p", "sampling.typical_p", "sampling.presence_penalty",
                "sampling.frequency_penalty", "sampling.repetition_penalty", "sampling.logit_bias[4]", "sampling.max_tokens",
                    "sampling.min_tokens",
                "sampling.top_logprobs", "sampling.top_logprobs", "sampling.trace_candidates",
            ],
            Fields(request, "served"));
    }

    [Theory]
    [InlineData("ipython", 0)]
    [InlineData("tool", 0)]
    [InlineData("wizard", 1)]
    [InlineData("", 1)]
    public void Validate_Role_IsKnownOrNot(string role, int violations) =>
        Assert.Equal(violations, Fields(Request(new ChatMessage { Role = role, Content = "x" })).Length);

    [Fact]
    public void Validate_AssistantThatOnlyCallsTools_NeedsNoContent() => Assert.Empty(Fields(Request(
        new ChatMessage { Role = "assistant", ToolCalls = [new ChatToolCall("1", "f", "{}")] })));

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{\"city\": \"Par")]
    public void Validate_UnreadableToolArguments_AreTheTokenizersToRead(string arguments) => Assert.Empty(Fields(Request(
        new ChatMessage { Role = "assistant", ToolCalls = [new ChatToolCall("1", "f", arguments)] })));

    [Fact]
    public void Validate_ToolNestedBeyondTheLimit_SaysSoByField()
    {
        static string Nested(int levels) => string.Concat(Enumerable.Repeat("{\"a\":", levels)) + "1" + new string('}', levels);
        var request = Request(new ChatMessage { Role = "user", Content = "x" });
        request = request with { Conversation = request.Conversation with { ToolsJson = [Nested(128), Nested(129), Nested(2000)] } };
        var violations = Validator.Validate(request, null);
        Assert.Equal(["chat.tools_json[1]", "chat.tools_json[2]"], violations.Select(violation => violation.Field));
        Assert.All(violations, violation => Assert.Contains("nested too deeply", violation.Description));
    }

    [Fact]
    public void Validate_TooManyCharacters_CountsAllMessages() => Assert.Equal(["chat.messages"], Fields(Request(
        new ChatMessage { Role = "user", Content = "123456" }, new ChatMessage { Role = "user", Parts = ["12345"] })));
}
