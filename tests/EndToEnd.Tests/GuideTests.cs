using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Grpc.Core;
using Parley.Generator.V1;

namespace Parley.EndToEnd.Tests;

/// <summary>Answers under a guide, through the three services and the demo model, over HTTP and gRPC.</summary>
[Collection(DemoCollection.Name)]
public sealed class GuideTests(DemoSystem system)
{
    private const string Schema =
        """
        {"type":"object","properties":{"title":{"type":"string","maxLength":12},"steps":{"type":"array",
        "items":{"type":"integer","minimum":1,"maximum":99},"minItems":2,"maxItems":4},
        "sure":{"type":"boolean"},"where":{"type":"string","format":"place","maxLength":3}},
        "required":["title","steps","sure"],"additionalProperties":false}
        """;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ChatCompletions_JsonSchema_AnswersWithJsonThatMeetsIt(bool stream)
    {
        using var client = new HttpClient { BaseAddress = system.Http };
        for (var seed = 0; seed < 4; seed++)
        {
            var named = $$"""{"name":"plan","strict":true,"schema":{{Schema}}}""";
            var format = $$""" "response_format":{"type":"json_schema","json_schema":{{named}}} """;
            using var response = await PostAsync(
                client, $$"""{{format}},"max_tokens":200,"temperature":1.2,"seed":{{seed}},"stream":{{(stream ? "true" : "false")}}""");
            var body = await response.Content.ReadAsStringAsync();

            Assert.True(response.IsSuccessStatusCode, body);
            Assert.Equal("place", Assert.Single(response.Headers.GetValues("X-Parley-Unasserted-Formats")));
            using var answer = JsonDocument.Parse(stream ? Joined(body) : Content(body));
            Assert.InRange(answer.RootElement.GetProperty("title").GetString()!.EnumerateRunes().Count(), 0, 12);
            Assert.InRange(answer.RootElement.GetProperty("steps").GetArrayLength(), 2, 4);
            Assert.All(answer.RootElement.GetProperty("steps").EnumerateArray(), step => Assert.InRange(step.GetInt32(), 1, 99));
            Assert.Contains(answer.RootElement.GetProperty("sure").ValueKind, (JsonValueKind[])[JsonValueKind.True, JsonValueKind.False]);
        }

        system.Log.AssertNoErrors();
    }

    [Fact]
    public async Task ChatCompletions_ChoiceAndRegex_AnswerWithinThem()
    {
        using var client = new HttpClient { BaseAddress = system.Http };
        using var choice = await PostAsync(client, """ "guided_choice":["yes, surely","no"],"n":3,"temperature":1.5,"seed":2 """);
        using var regex = await PostAsync(client, """ "guided_regex":"[A-Z][a-z]{2,8} [0-9]{4}" """);

        using var answers = JsonDocument.Parse(await choice.Content.ReadAsStringAsync());
        Assert.All(answers.RootElement.GetProperty("choices").EnumerateArray(), one =>
            Assert.Contains(one.GetProperty("message").GetProperty("content").GetString(), (string[])["yes, surely", "no"]));
        Assert.Matches("^[A-Z][a-z]{2,8} [0-9]{4}$", Content(await regex.Content.ReadAsStringAsync()));
    }

    [Theory]
    [InlineData(""" "structured_outputs":{"grammar":"root ::= [a-c]{3} \"-\" [0-9]+ \"!\""} """, "^[a-c]{3}-[0-9]+!$")]
    [InlineData(""" "guided_grammar":"start: WORD \" \" WORD\n%import common.WORD" """, "^[A-Za-z]+ [A-Za-z]+$")]
    [InlineData(""" "grammar":"root ::= \"(\" root \")\" | \"x\"","max_tokens":300 """, @"^\(*x\)*$")]
    [InlineData(
        """ "response_format":{"type":"grammar","grammar":{"syntax":"lark","definition":"start: \"a\"~2..4"}} """, "^a{2,4}$")]
    [InlineData(
        """
        "response_format":{"type":"structural_tag","format":{"type":"sequence","elements":[{"type":"const_string","value":"Answer: "},
        {"type":"json_schema","json_schema":{"type":"object","properties":{"n":{"type":"integer","minimum":0,"maximum":9}},"required":["n"],
        "additionalProperties":false}}]}}
        """, @"^Answer: \{""n"":[0-9]\}$")]
    [InlineData(
        """
        "structured_outputs":{"structural_tag":"{\"structures\":[{\"begin\":\"<f>\",\"schema\":{\"type\":\"boolean\"},\"end\":\"</f>\"}],\"triggers\":[\"<f>\"]}"}
        """, "^((?!<f>).)*(<f>(true|false)</f>.*)*$")]
    public async Task ChatCompletions_GrammarsAndTags_AnswerWithinThem(string fields, string pattern)
    {
        using var client = new HttpClient { BaseAddress = system.Http };
        foreach (var stream in (string[])["false", "true"])
        {
            using var response = await PostAsync(client, $"""{fields},"temperature":1.1,"seed":3,"stream":{stream}""");
            var body = await response.Content.ReadAsStringAsync();
            Assert.True(response.IsSuccessStatusCode, body);
            Assert.Matches(new Regex(pattern, RegexOptions.Singleline), stream == "true" ? Joined(body) : Content(body));
        }

        system.Log.AssertNoErrors();
    }

    [Fact]
    public async Task ChatCompletions_StopStringWithinAGuide_EndsTheAnswerThere()
    {
        using var client = new HttpClient { BaseAddress = system.Http };
        using var response = await PostAsync(client, """ "grammar":"root ::= \"one\" \"\\n\" \"two\" [a-z]{400}","stop":["two"],"max_tokens":500 """);
        using var document = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        var choice = document.RootElement.GetProperty("choices")[0];

        Assert.Equal("one\n", choice.GetProperty("message").GetProperty("content").GetString());
        Assert.Equal("stop", choice.GetProperty("finish_reason").GetString());
    }

    [Fact]
    public async Task ChatCompletions_GrammarThatIsRefused_NamesFieldLineAndColumn()
    {
        using var client = new HttpClient { BaseAddress = system.Http };
        using var response = await PostAsync(client, """ "structured_outputs":{"grammar":"root ::= \"a\"\n  b"} """);
        using var document = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        var error = document.RootElement.GetProperty("error");

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("structured_outputs.grammar", error.GetProperty("param").GetString());
        Assert.Contains("is refused at line 2, column 4: ", error.GetProperty("message").GetString());
    }

    [Fact]
    public async Task Complete_TagWithTheModelsSpecialTokens_SaysThem()
    {
        var tag =
            """
            {"format":{"type":"sequence","elements":[{"type":"tag","begin":"<|system|>","content":{"type":"regex","pattern":"[a-z]{1,5}"},
            "end":"<|user|>"},{"type":"const_string","value":"x<|end|>"}]}}
            """;
        var sampling = new SamplingParameters { Temperature = 1.2f, Seed = 4, MaxTokens = 60, Guide = new Guide { StructuralTag = tag } };
        var answers = new List<string>();
        foreach (var drafts in (uint[])[0, 8])
        {
            sampling.DraftTokens = drafts;
            var events = await system.Chat.CollectAsync(Conversations.Ask("what is a token?", sampling));
            var ids = events.Ids().ToList();
            Assert.Equal(2045u, ids[0]);
            Assert.Single(ids, 2046u);
            Assert.Matches("^[a-z]{1,5}x$", events.Text());
            answers.Add(string.Join(' ', ids));
        }

        Assert.Equal(answers[0], answers[1]);
    }

    [Fact]
    public async Task ChatCompletions_MaxTokens_EndsWithLength()
    {
        using var client = new HttpClient { BaseAddress = system.Http };
        using var response = await PostAsync(client, $$""" "guided_json":{{Schema}},"max_tokens":3""");

        using var document = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        Assert.Equal("length", document.RootElement.GetProperty("choices")[0].GetProperty("finish_reason").GetString());
    }

    [Fact]
    public async Task ChatCompletions_SchemaThatIsRefused_NamesFieldKeywordAndPlace()
    {
        using var client = new HttpClient { BaseAddress = system.Http };
        using var response = await PostAsync(
            client,
            """
            "response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"properties":{"a":{"pattern":"(?=b)c"}}}}}
            """);

        using var document = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        var error = document.RootElement.GetProperty("error");
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("response_format.json_schema.schema", error.GetProperty("param").GetString());
        Assert.Contains("is refused at /properties/a/pattern: ", error.GetProperty("message").GetString());
    }

    [Fact]
    public async Task Complete_GuidedWithDraftsAndAmongOthers_SaysTheSame()
    {
        var guide = new Guide { JsonSchema = Schema };
        var sampling = new SamplingParameters { Temperature = 1.3f, Seed = 11, MaxTokens = 200, Guide = guide, DraftTokens = 0 };
        var alone = (await system.Chat.CollectAsync(Conversations.Ask("what is a token?", sampling))).Ids();

        sampling.DraftTokens = 8;
        var crowd = Conversations.Questions.Select(question => system.Chat.CollectAsync(
            Conversations.Ask(question, new SamplingParameters { Temperature = 1.5f, MaxTokens = 32 }))).ToList();
        var drafted = (await system.Chat.CollectAsync(Conversations.Ask("what is a token?", sampling))).Ids();
        await Task.WhenAll(crowd);

        Assert.Equal(alone, drafted);
    }

    [Fact]
    public async Task Complete_SchemaThatIsRefused_IsInvalidArgument()
    {
        var sampling = new SamplingParameters { Guide = new Guide { JsonSchema = """{"type":"colour"}""" } };
        var fault = await Assert.ThrowsAsync<RpcException>(() =>
            system.Chat.CollectAsync(Conversations.Ask("what is a token?", sampling)));

        Assert.Equal(StatusCode.InvalidArgument, fault.StatusCode);
        Assert.Contains("sampling.guide.json_schema", fault.Status.Detail);
    }

    private static Task<HttpResponseMessage> PostAsync(HttpClient client, string fields) => client.PostAsync(
        "/v1/chat/completions", new StringContent(
            $$"""{"messages":[{"role":"user","content":"what is a token?"}],{{fields}}}""", Encoding.UTF8, "application/json"));

    private static string Content(string body)
    {
        using var document = JsonDocument.Parse(body);
        return document.RootElement.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!;
    }

    private static string Joined(string body)
    {
        var text = new StringBuilder();
        foreach (var line in body.Split('\n').Where(line => line.StartsWith("data: {", StringComparison.Ordinal)))
        {
            using var document = JsonDocument.Parse(line[6..]);
            var delta = document.RootElement.GetProperty("choices")[0].GetProperty("delta");
            if (delta.TryGetProperty("content", out var content))
                text.Append(content.GetString());
        }

        return text.ToString();
    }
}
