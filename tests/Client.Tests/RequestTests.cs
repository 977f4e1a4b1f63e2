using System.Text.Json;
using Microsoft.Extensions.AI;
using Parley.Client.Requests;
using Parley.Gateway.V1;
using Parley.Generator.V1;
using Parley.Tokenizer.V1;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;

namespace Parley.Client.Tests;

/// <summary>What a request of the contract is made of.</summary>
public sealed class RequestTests
{
    /// <summary>Which test holds which property; a new version of the abstractions that brings one more fails the count below.</summary>
    private static readonly string[] KnownOptions =
    [
        "AdditionalProperties", "AllowBackgroundResponses", "AllowMultipleToolCalls", "ContinuationToken", "ConversationId",
        "FrequencyPenalty", "Instructions", "MaxOutputTokens", "ModelId", "PresencePenalty", "RawRepresentationFactory", "Reasoning",
        "ResponseFormat", "Seed", "StopSequences", "Temperature", "ToolMode", "Tools", "TopK", "TopP",
    ];

    [Fact]
    public void Options_OfTheAbstractions_AreAllLookedAt() =>
        Assert.Equal(KnownOptions, typeof(ChatOptions).GetProperties().Select(property => property.Name).Order());

    [Fact]
    public void Options_ThatTheContractKnows_AreWritten()
    {
        var request = Write(new ChatOptions
        {
            ModelId = "m",
            Temperature = 0.5f,
            TopP = 0.9f,
            TopK = 40,
            MaxOutputTokens = 100,
            FrequencyPenalty = 0.25f,
            PresencePenalty = -0.5f,
            Seed = -1,
            StopSequences = ["a", "b"],
            Instructions = "Be brief.",
        });

        Assert.Equal("m", request.Model);
        Assert.Equal(
            new SamplingParameters
            {
                Temperature = 0.5f,
                TopP = 0.9f,
                TopK = 40,
                MaxTokens = 100,
                FrequencyPenalty = 0.25f,
                PresencePenalty = -0.5f,
                Seed = ulong.MaxValue,
            },
            request.Sampling);
        Assert.Equal(["a", "b"], request.Stop);
        Assert.Equal(["system: Be brief.", "user: hello"], request.Chat.Messages.Select(message => $"{message.Role}: {message.Content}"));
    }

    [Fact]
    public void Options_ThatAreNotGiven_AreNotSet()
    {
        var request = Write(null);

        Assert.Equal(new SamplingParameters(), request.Sampling);
        Assert.Equal("", request.Model);
        Assert.Equal(new Chat { Messages = { new Tokenizer.V1.ChatMessage { Role = "user", Content = "hello" } } }, request.Chat);
        Assert.Matches("^[0-9a-f]{32}$", request.RequestId);
    }

    [Fact]
    public void Options_ThatAskForNothing_AreNoFault() => Write(new ChatOptions
    {
        ConversationId = "",
        Tools = [],
        StopSequences = [],
        Instructions = "",
        ToolMode = ChatToolMode.RequireAny,
        AllowMultipleToolCalls = false,
        AllowBackgroundResponses = true,
        ResponseFormat = ChatResponseFormat.Text,
        Reasoning = new ReasoningOptions { Output = ReasoningOutput.Full },
        AdditionalProperties = new() { ["min_p"] = null, ["somebody_elses"] = 3 },
    });

    [Fact]
    public void Options_ThatCannotBeDone_AreRefusedAllAtOnce()
    {
        var exception = Assert.Throws<ParleyRequestException>(() => Write(new ChatOptions
        {
            ConversationId = "c",
            TopK = -1,
            MaxOutputTokens = -2,
            Tools = [AIFunctionFactory.Create(() => 1, "one"), new HostedWebSearchTool()],
            AdditionalProperties = new() { ["min_p"] = "much", ["top_k"] = 3, ["min_tokens"] = -1, ["priority"] = 0.5 },
        }));

        Assert.Equal(
            ["ChatOptions.TopK", "ChatOptions.MaxOutputTokens", "ChatOptions.Tools[1]", Property("min_p"),
                Property("top_k"), Property("min_tokens"), Property("priority"), "ChatOptions.ConversationId"],
            exception.Violations.Select(violation => violation.Field));
        Assert.Contains("ChatOptions.TopK must not be negative (it is -1)", exception.Message);
        Assert.Contains("ChatOptions.TopK", exception.Violations[4].Description);
    }

    [Fact]
    public void Properties_OfParley_AreWritten()
    {
        var request = Write(new ChatOptions
        {
            AdditionalProperties = new()
            {
                [ParleyProperties.MinP] = 0.05,
                [ParleyProperties.TypicalP] = 0.5m,
                [ParleyProperties.RepetitionPenalty] = 2,
                [ParleyProperties.NoRepeatNgramSize] = 3L,
                [ParleyProperties.LogitBias] = new Dictionary<int, float> { [7] = -1.5f },
                [ParleyProperties.AllowedTokenIds] = new[] { 1, 2 },
                [ParleyProperties.BannedTokenIds] = new List<uint> { 3 },
                [ParleyProperties.StopTokenIds] = Json("[4, 5]"),
                [ParleyProperties.MinTokens] = (byte)6,
                [ParleyProperties.IgnoreEos] = true,
                [ParleyProperties.IncludeStop] = true,
                [ParleyProperties.Logprobs] = Json("true"),
                [ParleyProperties.TopLogprobs] = Json("2"),
                [ParleyProperties.Priority] = -3,
                [ParleyProperties.DraftTokens] = 0,
                [ParleyProperties.PromptLogprobs] = 3,
                [ParleyProperties.Processors] = """{"top_n_sigma":1.5,"mirostat":2,"bad_words":[{"ids":[8,9]}]}""",
                [ParleyProperties.TemplateArguments] = Json("""{"a":1}"""),
                [ParleyProperties.TemplateName] = "rag",
                [ParleyProperties.Documents] = new object[] { """{"title":"t"}""" },
                [ParleyProperties.AddGenerationPrompt] = true,
                [ParleyProperties.ContinueFinalMessage] = true,
                [ParleyProperties.SpecialTokensInContent] = "reject",
                [ParleyProperties.RequestId] = "mine-1",
            },
        });

        Assert.Equal(
            new SamplingParameters
            {
                MinP = 0.05f,
                TypicalP = 0.5f,
                RepetitionPenalty = 2,
                NoRepeatNgramSize = 3,
                LogitBias = { [7] = -1.5f },
                AllowedTokenIds = { 1, 2 },
                BannedTokenIds = { 3 },
                StopTokenIds = { 4, 5 },
                MinTokens = 6,
                IgnoreEos = true,
                Logprobs = true,
                TopLogprobs = 2,
                Priority = -3,
                DraftTokens = 0,
                PromptLogprobs = 3,
                Processors = new Processors { TopNSigma = 1.5f, Mirostat = 2, BadWords = { new TokenRun { Ids = { 8, 9 } } } },
            },
            request.Sampling);
        Assert.True(request.IncludeStop);
        Assert.Equal("mine-1", request.RequestId);
        Assert.Equal(("""{"a":1}""", "rag", true, true, SpecialTokensInContent.Reject),
            (request.Chat.TemplateArgumentsJson, request.Chat.TemplateName, request.Chat.AddGenerationPrompt,
                request.Chat.ContinueFinalMessage, request.Chat.SpecialTokensInContent));
        Assert.Equal(["""{"title":"t"}"""], request.Chat.DocumentsJson);
    }

    [Fact]
    public void Fields_OfTheContract_CanAllBeAskedFor()
    {
        // trace_candidates is Inspect's; guide is asked for under other names, reasoning_budget as reasoning_tokens_max.
        string[] elsewhere = ["trace_candidates", "guide", "reasoning_budget"];
        var written = WrittenByOptions().Concat(typeof(ParleyProperties).GetFields().Select(field => (string)field.GetRawConstantValue()!));
        var fields = SamplingParameters.Descriptor.Fields.InDeclarationOrder().Select(field => field.Name);
        Assert.Empty(fields.Except(written).Except(elsewhere));
    }

    [Theory]
    [InlineData("min_p", "x")]
    [InlineData("ignore_eos", 1)]
    [InlineData("logit_bias", 1)]
    [InlineData("allowed_token_ids", "1")]
    [InlineData("documents", "[]")]
    [InlineData("template_arguments", "[1]")]
    [InlineData("template_arguments", "{")]
    [InlineData("special_tokens_in_content", "none")]
    [InlineData("request_id", "a b")]
    [InlineData("timeout", 0)]
    [InlineData("timeout", 1e300)]
    [InlineData("draft_tokens", 4294967296.0)]
    [InlineData("guide_regex", 5)]
    [InlineData("guide_choice", "yes")]
    [InlineData("prompt_logprobs", -1)]
    [InlineData("processors", "top_h")]
    [InlineData("processors", """{"top_z": 1}""")]
    [InlineData("processors", """{"mirostat": "two"}""")]
    public void Property_OfAnotherKind_IsRefusedByName(string name, object value)
    {
        var exception = Assert.Throws<ParleyRequestException>(() =>
            Write(new ChatOptions { AdditionalProperties = new() { [name] = value } }));

        Assert.Equal(Property(name), Assert.Single(exception.Violations).Field);
    }

    [Fact]
    public void Property_InAList_IsRefusedByItsPlace()
    {
        var exception = Assert.Throws<ParleyRequestException>(() => Write(new ChatOptions
        {
            AdditionalProperties = new()
            {
                ["stop_token_ids"] = new object?[] { 1, "two", null },
                ["logit_bias"] = new Dictionary<string, object> { ["a"] = 1, ["5"] = "b" },
            },
        }));

        Assert.Equal([Property("stop_token_ids") + "[1]", Property("stop_token_ids") + "[2]", Property("logit_bias"),
            Property("logit_bias") + "[5]"], exception.Violations.Select(violation => violation.Field));
    }

    [Fact]
    public void Property_OfNobody_IsRefusedWhereThatIsAskedFor()
    {
        var options = new ChatOptions { AdditionalProperties = new() { ["min_pp"] = 0.1 } };

        var exception = Assert.Throws<ParleyRequestException>(() =>
            Write(options, new ParleyClientOptions { UnknownProperties = UnknownProperties.Refuse }));

        Assert.Equal(Property("min_pp"), Assert.Single(exception.Violations).Field);
    }

    [Fact]
    public void Timeout_OfAProperty_WinsOverTheClients()
    {
        var client = new ParleyClientOptions { Timeout = TimeSpan.FromSeconds(9) };
        Assert.Equal(TimeSpan.FromSeconds(9), Call(null, client).Timeout);
        Assert.Equal(TimeSpan.FromSeconds(2.5), Call(With("timeout", 2.5), client).Timeout);
        Assert.Equal(Timeout.InfiniteTimeSpan, Call(With("timeout", Timeout.InfiniteTimeSpan), client).Timeout);
    }

    [Fact]
    public void Format_OfJson_IsAGuide()
    {
        var schema = Json("""{"type":"object","properties":{"a":{"type":"integer"}}}""");
        var typed = new ChatOptions { ResponseFormat = ChatResponseFormat.ForJsonSchema(schema) };
        var untyped = new ChatOptions { ResponseFormat = ChatResponseFormat.Json };
        AssertJson(
            """{"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":false}""",
            Write(typed).Sampling.Guide.JsonSchema);
        Assert.Equal("""{"type":"object"}""", Write(untyped).Sampling.Guide.JsonSchema);
        Assert.Equal("a+", Write(With("guide_regex", "a+")).Sampling.Guide.Regex);
        Assert.Equal(["yes", "no"], Write(With("guide_choice", new[] { "yes", "no" })).Sampling.Guide.Choice.Texts);
        var both = Assert.Throws<ParleyRequestException>(() => Write(new ChatOptions
        {
            ResponseFormat = ChatResponseFormat.Json,
            AdditionalProperties = new() { ["guide_grammar"] = "root ::= x" },
        }));
        Assert.Contains("second guide", both.Message);
    }

    [Theory]
    [InlineData("{}", false)]
    [InlineData("""{"type":"object","additionalProperties":{"type":"integer"}}""", false)]
    [InlineData("""{"type":"array","items":{"type":["object","null"],"properties":{"a":{}}}}""", true)]
    [InlineData("""{"anyOf":[{"properties":{"a":{}}},{"type":"null"}]}""", true)]
    [InlineData("""{"properties":{"not":{"enum":[{"if":1}]}}}""", true)]
    [InlineData("""{"allOf":[{"properties":{"a":{}}},{"properties":{"b":{}}}]}""", false)]
    [InlineData("""{"properties":{"a":{}},"anyOf":[{"properties":{"b":{}}},{"properties":{"c":{}}}]}""", false)]
    [InlineData("""{"properties":{"a":{}},"patternProperties":{"^x":{}}}""", false)]
    public void Schema_OfAnAnswer_IsClosedWhereItsObjectsStandAlone(string schema, bool isClosed)
    {
        var options = new ChatOptions { ResponseFormat = ChatResponseFormat.ForJsonSchema(Json(schema)) };
        var written = Write(options).Sampling.Guide.JsonSchema;
        Assert.Equal(isClosed, written.Contains("\"additionalProperties\":false", StringComparison.Ordinal));
        if (!isClosed)
            Assert.Equal(schema, written);

        options.AdditionalProperties = new() { ["strict"] = false };
        Assert.Equal(schema, Write(options).Sampling.Guide.JsonSchema);
        options.AdditionalProperties = new() { ["strict"] = "often" };
        Assert.Contains("strict", Assert.Throws<ParleyRequestException>(() => Write(options)).Message);
    }

    [Fact]
    public void Mode_OfTools_IsTheContracts()
    {
        var options = new ChatOptions { Tools = [AIFunctionFactory.Create(() => 1, "one")] };
        Assert.Null(Write(options).ToolChoice);
        Assert.False(Write(options).HasParallelToolCalls);

        (options.ToolMode, options.AllowMultipleToolCalls) = (ChatToolMode.RequireAny, false);
        Assert.Equal(new ToolChoice { Mode = ToolChoice.Types.Mode.Required }, Write(options).ToolChoice);
        Assert.True(Write(options) is { HasParallelToolCalls: true, ParallelToolCalls: false });

        var strict = AIFunctionFactory.Create(() => 1, new AIFunctionFactoryOptions
        {
            Name = "one",
            AdditionalProperties = new Dictionary<string, object?> { [ParleyProperties.Strict] = true },
        });
        var tool = Json(Assert.Single(Write(new ChatOptions { Tools = [strict] }).Chat.ToolsJson));
        Assert.True(tool.GetProperty("function").GetProperty("strict").GetBoolean());
        Assert.False(tool.GetProperty("function").GetProperty("parameters").GetProperty("additionalProperties").GetBoolean());
        Assert.Equal(9u, Write(With("reasoning_tokens_max", 9)).ReasoningTokensMax);

        options.ToolMode = ChatToolMode.RequireSpecific("one");
        Assert.Equal(new ToolChoice { Mode = ToolChoice.Types.Mode.Named, Name = "one" }, Write(options).ToolChoice);
    }

    [Theory]
    [InlineData(ReasoningEffort.None, """{"thinking":false,"enable_thinking":false,"reasoning_effort":"none"}""")]
    [InlineData(ReasoningEffort.ExtraHigh, """{"reasoning_effort":"xhigh"}""")]
    public void Effort_OfReasoning_IsAVariableOfTheTemplate(ReasoningEffort effort, string expected)
    {
        var options = new ChatOptions { Reasoning = new ReasoningOptions { Effort = effort } };
        AssertJson(expected, Write(options).Chat.TemplateArgumentsJson);

        options.AdditionalProperties = new() { ["template_arguments"] = """{"reasoning_effort":"mine"}""" };
        Assert.Equal("mine", Json(Write(options).Chat.TemplateArgumentsJson).GetProperty("reasoning_effort").GetString());
    }

    [Fact]
    public void Request_OfTheFactory_WinsAndIsNotChanged()
    {
        var mine = new CompleteRequest { Sampling = new SamplingParameters { Temperature = 0, TypicalP = 0.3f }, IncludeStop = true };
        var request = Write(new ChatOptions { RawRepresentationFactory = _ => mine, Temperature = 1, TopK = 5 });

        Assert.Equal(new SamplingParameters { Temperature = 0, TypicalP = 0.3f, TopK = 5 }, request.Sampling);
        Assert.True(request.IncludeStop);
        Assert.Null(mine.Chat);

        var exception = Assert.Throws<ParleyRequestException>(() => Write(new ChatOptions
        {
            RawRepresentationFactory = _ =>
                new CompleteRequest { N = 2, Chat = new Chat { Messages = { new Tokenizer.V1.ChatMessage() } } },
        }));
        Assert.Equal(2, exception.Violations.Count);
    }

    internal static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;

    internal static void AssertJson(string expected, string actual) =>
        Assert.True(JsonElement.DeepEquals(Json(expected), Json(actual)), actual);

    private static IEnumerable<string> WrittenByOptions() =>
        ["temperature", "top_k", "top_p", "presence_penalty", "frequency_penalty", "seed", "max_tokens"];

    private static string Property(string name) => $"ChatOptions.AdditionalProperties[\"{name}\"]";

    private static ChatOptions With(string name, object value) => new() { AdditionalProperties = new() { [name] = value } };

    private static CompleteRequest Write(ChatOptions? options, ParleyClientOptions? client = null) => Call(options, client).Request;

    private static ChatCall Call(ChatOptions? options, ParleyClientOptions? client)
    {
        using var self = new ParleyChatClient("http://nowhere");
        return RequestWriter.Write(
            [new ChatMessage(ChatRole.User, "hello")], options, self, client ?? new ParleyClientOptions(), Guid.NewGuid().ToString("n"));
    }
}
