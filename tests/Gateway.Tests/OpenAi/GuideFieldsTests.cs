using System.Net;
using System.Text;
using System.Text.Json;
using Grpc.Core;
using Parley.Gateway.Tests.Doubles;
using Parley.ServiceDefaults;
using GatewayProto = Parley.Gateway.V1;
using GeneratorProto = Parley.Generator.V1;

namespace Parley.Gateway.Tests.OpenAi;

/// <summary>What an answer must be, under all the names that servers give to it, and what is said of it that is refused.</summary>
public sealed class GuideFieldsTests
{
    private const string Schema = """{"type":"object","properties":{"a":{"type":"integer"}}}""";
    private const string Messages = """ "messages":[{"role":"user","content":"Hi"}]""";
    private const string Object = """{"type":"object"}""";

    public static TheoryData<string, string> Schemas => new()
    {
        { $$$""" "response_format":{"type":"json_schema","json_schema":{"name":"x","strict":true,"schema":{{{Schema}}}}} """, Schema },
        { $$$""" "response_format":{"type":"json_schema","json_schema":{"schema":{{{Schema}}}}} """, Schema },
        { """ "response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{}}} """, "{}" },
        { """ "response_format":{"type":"json_object"} """, Object },
        { $$""" "response_format":{"type":"json_object","schema":{{Schema}}} """, Schema },
        { $$""" "guided_json":{{Schema}} """, Schema },
        { $$""" "guided_json":{{JsonSerializer.Serialize(Schema)}} """, Schema },
        { $$""" "json_schema":{{Schema}} """, Schema },
        { $$""" "structured_outputs":{"json":{{Schema}},"disable_any_whitespace":true} """, Schema },
        { """ "structured_outputs":{"json_object":true} """, Object },
        { """ "format":"json" """, Object },
        { $$""" "format":{{Schema}} """, Schema },
        { $$""" "guided_json":{{Schema}},"response_format":{"type":"json_object","schema":{{Schema}}} """, Schema },
    };

    [Theory]
    [MemberData(nameof(Schemas))]
    public async Task Post_Schema_ReachesTheGenerator(string fields, string schema)
    {
        await using var host = await GatewayHost.StartAsync();
        using var response = await PostAsync(host, fields);

        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        Assert.Equal(new GeneratorProto.Guide { JsonSchema = schema }, host.Generator.Requests.Single().Sampling.Guide);
    }

    [Theory]
    [InlineData(""" "guided_regex":"[a-z]+" """)]
    [InlineData(""" "regex":"[a-z]+" """)]
    [InlineData(""" "structured_outputs":{"regex":"[a-z]+"} """)]
    public async Task Post_Regex_ReachesTheGenerator(string fields)
    {
        await using var host = await GatewayHost.StartAsync();
        using var response = await PostAsync(host, fields);

        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        Assert.Equal(new GeneratorProto.Guide { Regex = "[a-z]+" }, host.Generator.Requests.Single().Sampling.Guide);
    }

    [Theory]
    [InlineData(""" "guided_grammar":"root ::= x" """, GeneratorProto.GrammarSyntax.Unspecified)]
    [InlineData(""" "grammar":"root ::= x","guided_grammar":"root ::= x" """, GeneratorProto.GrammarSyntax.Unspecified)]
    [InlineData(""" "ebnf":"root ::= x" """, GeneratorProto.GrammarSyntax.Unspecified)]
    [InlineData(""" "structured_outputs":{"grammar":"root ::= x"} """, GeneratorProto.GrammarSyntax.Unspecified)]
    [InlineData(""" "response_format":{"type":"grammar","grammar":"root ::= x"} """, GeneratorProto.GrammarSyntax.Unspecified)]
    [InlineData(
        """ "response_format":{"type":"grammar","grammar":{"syntax":"lark","definition":"root ::= x"}} """, GeneratorProto.GrammarSyntax.Lark)]
    [InlineData(
        """ "response_format":{"type":"grammar","grammar":{"syntax":"gbnf","definition":"root ::= x"}} """, GeneratorProto.GrammarSyntax.Gbnf)]
    public async Task Post_Grammar_ReachesTheGenerator(string fields, GeneratorProto.GrammarSyntax syntax)
    {
        await using var host = await GatewayHost.StartAsync();
        using var response = await PostAsync(host, fields);

        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        Assert.Equal(
            new GeneratorProto.Guide { Grammar = "root ::= x", GrammarSyntax = syntax }, host.Generator.Requests.Single().Sampling.Guide);
    }

    [Theory]
    [InlineData(""" "response_format":{"type":"structural_tag","format":{"type":"any_text"}} """)]
    [InlineData(""" "structured_outputs":{"structural_tag":{"type":"structural_tag","format":{"type":"any_text"}}} """)]
    [InlineData(""" "structural_tag":"{\"type\":\"structural_tag\",\"format\":{\"type\":\"any_text\"}}" """)]
    public async Task Post_StructuralTag_ReachesTheGenerator(string fields)
    {
        await using var host = await GatewayHost.StartAsync();
        using var response = await PostAsync(host, fields);

        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        Assert.Equal(
            """{"type":"structural_tag","format":{"type":"any_text"}}""", host.Generator.Requests.Single().Sampling.Guide.StructuralTag);
    }

    [Fact]
    public async Task Post_GrammarThatIsAPattern_IsARegex()
    {
        await using var host = await GatewayHost.StartAsync();
        using var response = await PostAsync(
            host, """ "response_format":{"type":"grammar","grammar":{"syntax":"regex","definition":"a+"}} """);

        Assert.Equal(new GeneratorProto.Guide { Regex = "a+" }, host.Generator.Requests.Single().Sampling.Guide);
    }

    [Theory]
    [InlineData(""" "guided_choice":["yes","no"] """)]
    [InlineData(""" "structured_outputs":{"choice":["yes","no"]} """)]
    public async Task Post_Choice_ReachesTheGeneratorForEachAnswer(string fields)
    {
        await using var host = await GatewayHost.StartAsync();
        using var response = await PostAsync(host, fields + ",\"n\":2");

        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        var guide = new GeneratorProto.Guide { Choice = new GeneratorProto.GuideChoice { Texts = { "yes", "no" } } };
        Assert.Equal([guide, guide], host.Generator.Requests.Select(request => request.Sampling.Guide));
    }

    [Theory]
    [InlineData(""" "response_format":{"type":"json_schema"} """, "response_format.json_schema", "missing_required_parameter")]
    [InlineData(
        """ "response_format":{"type":"json_schema","json_schema":{"name":"x"}} """, "response_format.json_schema.schema",
        "missing_required_parameter")]
    [InlineData(
        """ "response_format":{"type":"json_schema","json_schema":{"name":"x","schema":7}} """, "response_format.json_schema.schema",
        "invalid_type")]
    [InlineData(
        """ "response_format":{"type":"json_schema","json_schema":{"strict":"yes","schema":{}}} """, "response_format.json_schema.strict",
        "invalid_type")]
    [InlineData(""" "response_format":{"schema":{}} """, "response_format.type", "missing_required_parameter")]
    [InlineData(""" "response_format":"json" """, "response_format", "invalid_type")]
    [InlineData(""" "response_format":{"type":"grammar"} """, "response_format.grammar", "missing_required_parameter")]
    [InlineData(
        """ "response_format":{"type":"grammar","grammar":{"syntax":"lark"}} """, "response_format.grammar.definition",
        "missing_required_parameter")]
    [InlineData(""" "grammar":["x"] """, "grammar", "invalid_type")]
    [InlineData(""" "structural_tag":7 """, "structural_tag", "invalid_type")]
    [InlineData(""" "grammar":"a","ebnf":"b" """, "ebnf", "invalid_value")]
    [InlineData(""" "guided_choice":[1] """, "guided_choice[0]", "invalid_type")]
    [InlineData(""" "guided_regex":["a"] """, "guided_regex", "invalid_type")]
    [InlineData(""" "guided_regex":"a","guided_choice":["b"] """, "guided_choice", "invalid_value")]
    public async Task Post_GuideThatMakesNoSense_IsRefusedByField(string fields, string param, string code)
    {
        await using var host = await GatewayHost.StartAsync();
        using var response = await PostAsync(host, fields);

        var error = await ErrorAsync(response);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal((param, code), (error.GetProperty("param").GetString(), error.GetProperty("code").GetString()));
        Assert.Empty(host.Generator.Requests);
    }

    [Theory]
    [InlineData("false")]
    [InlineData("true")]
    public async Task Post_SchemaThatTheGeneratorRefuses_IsNamedAsItWasSent(string stream)
    {
        await using var host = await GatewayHost.StartAsync();
        host.Generator.Refusal = RpcFaults.Create(
            StatusCode.InvalidArgument, null,
            [("sampling.guide.json_schema", "is refused at /properties/a/type: the type colour is none.")]);
        using var response = await PostAsync(
            host,
            $$$""" "stream":{{{stream}}},"response_format":{"type":"json_schema","json_schema":{"schema":{{{Schema}}}}} """);

        var error = await ErrorAsync(response);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("response_format.json_schema.schema", error.GetProperty("param").GetString());
        Assert.Equal(
            "response_format.json_schema.schema is refused at /properties/a/type: the type colour is none.",
            error.GetProperty("message").GetString());
    }

    [Theory]
    [InlineData("false")]
    [InlineData("true")]
    public async Task Post_FormatThatNobodyDefines_IsToldInAHeader(string stream)
    {
        await using var host = await GatewayHost.StartAsync();
        host.Generator.UnassertedFormats = ["colour", "shoe size"];
        using var response = await PostAsync(host, $$""" "stream":{{stream}},"json_schema":{{Schema}} """);

        Assert.True(response.IsSuccessStatusCode);
        Assert.Equal("colour, shoe_size", Assert.Single(response.Headers.GetValues("X-Parley-Unasserted-Formats")));
    }

    [Fact]
    public async Task Complete_Guide_PassesAndItsFormatsComeWithTheAcceptance()
    {
        await using var host = await GatewayHost.StartAsync();
        host.Generator.UnassertedFormats = ["colour"];
        var guide = new GeneratorProto.Guide { JsonSchema = Schema };
        var request = new GatewayProto.CompleteRequest
        {
            Chat = new() { Messages = { new Tokenizer.V1.ChatMessage { Role = "user", Content = "Hi" } } },
            Sampling = new GeneratorProto.SamplingParameters { Guide = guide },
        };
        using var call = host.Client().Complete(request);
        Assert.True(await call.ResponseStream.MoveNext(default));

        Assert.Equal(["colour"], call.ResponseStream.Current.Accepted.UnassertedFormats);
        Assert.Equal(guide, host.Generator.Requests.Single().Sampling.Guide);
    }

    private static Task<HttpResponseMessage> PostAsync(GatewayHost host, string fields) => host.Http().PostAsync(
        "/v1/chat/completions", new StringContent($"{{{Messages},{fields}}}", Encoding.UTF8, "application/json"));

    private static async Task<JsonElement> ErrorAsync(HttpResponseMessage response) =>
        JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("error");
}
