using Google.Rpc;
using Grpc.Core;
using Parley.Generator.Guides.Vocabulary;
using Parley.Generator.Tests.Doubles;
using Parley.Generator.Tests.Guidance;
using Wire = Parley.Generator.V1;

namespace Parley.Generator.Tests.Edge;

/// <summary>Guides as requests bring them, through the service.</summary>
public sealed class GuideRequestTests
{
    [Fact]
    public async Task Generate_EveryKind_AnswersWithinIt()
    {
        await using var app = await StartAsync();
        var json = await app.GenerateAsync(Request(new Wire.Guide { JsonSchema = """{"enum":["ab",12,null]}""" }));
        var regex = await app.GenerateAsync(Request(new Wire.Guide { Regex = "[0-9]{3}-[a-z]{2}" }));
        var choice = await app.GenerateAsync(Request(new Wire.Guide { Choice = new() { Texts = { "name", "age" } } }));

        var grammar = await app.GenerateAsync(Request(new Wire.Guide { Grammar = "root ::= \"[\" item (\",\" item){1,2} \"]\"\nitem ::= [a-c]" }));
        var lark = await app.GenerateAsync(Request(new Wire.Guide { Grammar = "start: \"x\" DIGIT ~ 2\n%import common.DIGIT" }));
        var tag = await app.GenerateAsync(Request(new Wire.Guide
        {
            StructuralTag =
                """
                {"type":"structural_tag","format":{"type":"tag","begin":"na","content":{"type":"json_schema","json_schema":{"enum":[true,[1]]}},
                "end":"age"}}
                """,
        }));

        Assert.Matches(@"^\[[abc](,[abc]){1,2}\]$", Text(grammar));
        Assert.Matches("^x[0-9]{2}$", Text(lark));
        Assert.Contains(Text(tag), (string[])["natrueage", "na[1]age"]);
        Assert.Contains(Text(json), (string[])["\"ab\"", "12", "null"]);
        Assert.Matches("^[0-9]{3}-[a-z]{2}$", Text(regex));
        Assert.Contains(Text(choice), (string[])["name", "age"]);
        Assert.All([json, regex, choice, grammar, lark, tag], events => Assert.Equal(Wire.FinishReason.Eos, events[^1].Finished.Reason));
        app.Log.AssertNoErrors();
    }

    [Fact]
    public async Task Generate_FormatThatNobodyDefines_IsToldFirst()
    {
        await using var app = await StartAsync();
        var events = await app.GenerateAsync(
            Request(new Wire.Guide { JsonSchema = """{"type":"string","format":"colour","maxLength":3}""" }));

        Assert.Equal(["colour"], events[0].Guide.UnassertedFormats);
        Assert.Single(events, one => one.Guide is not null);
    }

    [Theory]
    [InlineData("""{"properties":{"a":{"type":"colour"}}}""", "sampling.guide.json_schema", "/properties/a")]
    [InlineData("""{"type":"object" """, "sampling.guide.json_schema", "JSON")]
    [InlineData("""{"$ref":"http://example.org/x"}""", "sampling.guide.json_schema", "$ref")]
    [InlineData("""{"type":"string","maxLength":1,"minLength":2}""", "sampling.guide.json_schema", "no text meets")]
    public async Task Generate_SchemaThatIsRefused_NamesFieldAndPlace(string schema, string field, string place)
    {
        await using var app = await StartAsync();
        var fault = await RefusedAsync(app, Request(new Wire.Guide { JsonSchema = schema }), StatusCode.InvalidArgument);

        var violation = Assert.Single(fault);
        Assert.Equal(field, violation.Field);
        Assert.Contains(place, violation.Description);
        Assert.StartsWith("is refused", violation.Description);
    }

    [Fact]
    public async Task Generate_SeveralFaults_AreAllTold()
    {
        await using var app = await StartAsync();
        var request = Request(new Wire.Guide { Regex = "a(" });
        request.Sampling.IgnoreEos = true;
        request.Sampling.TopP = 7;
        var fault = await RefusedAsync(app, request, StatusCode.InvalidArgument);

        Assert.Equal(
            ["sampling.guide.regex", "sampling.ignore_eos", "sampling.top_p"],
            fault.Select(violation => violation.Field).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Generate_Resumed_GoesOnOrNamesTheTokenThatDoesNotFit()
    {
        await using var app = await StartAsync();
        var request = Request(new Wire.Guide { Regex = "[ab]{5}" });
        request.Sampling.Seed = 3;
        var whole = Ids(await app.GenerateAsync(request));
        request.ResumeIds.Add(whole[..2]);
        Assert.Equal(whole[2..], Ids(await app.GenerateAsync(request)));

        request.ResumeIds.Add(GuideWorld.Id("z"));
        var violation = Assert.Single(await RefusedAsync(app, request, StatusCode.InvalidArgument));
        Assert.Equal("resume_ids[2]", violation.Field);
        Assert.Contains($"behind byte {GuideWorld.Text(whole[..2]).Length} of", violation.Description);
    }

    [Theory]
    [InlineData("root ::= \"name\" | other", Wire.GrammarSyntax.Unspecified, "sampling.guide.grammar", "at line 1, column 19: 'other'")]
    [InlineData("start: /a(/", Wire.GrammarSyntax.Unspecified, "sampling.guide.grammar", "at line 1, column 8: ")]
    [InlineData("start: \"a\"", Wire.GrammarSyntax.Gbnf, "sampling.guide.grammar", "needs '::='")]
    [InlineData("start: \"a\"", (Wire.GrammarSyntax)7, "sampling.guide.grammar_syntax", "is 7")]
    public async Task Generate_GrammarThatIsRefused_NamesFieldAndPlace(
        string grammar, Wire.GrammarSyntax syntax, string field, string description)
    {
        await using var app = await StartAsync();
        var request = Request(new Wire.Guide { Grammar = grammar, GrammarSyntax = syntax });
        var violation = Assert.Single(await RefusedAsync(app, request, StatusCode.InvalidArgument));

        Assert.Equal(field, violation.Field);
        Assert.Contains(description, violation.Description);
    }

    [Fact]
    public async Task Generate_StructuralTagThatIsRefused_NamesFieldAndPlace()
    {
        await using var app = await StartAsync();
        var request = Request(new Wire.Guide { StructuralTag = """{"type":"structural_tag","format":{"type":"sequence","elements":[7]}}""" });
        var violation = Assert.Single(await RefusedAsync(app, request, StatusCode.InvalidArgument));

        Assert.Equal("sampling.guide.structural_tag", violation.Field);
        Assert.StartsWith("is refused at /format/elements/0: must be an object", violation.Description);
    }

    [Fact]
    public async Task Generate_SyntaxWithoutGrammar_IsRefused()
    {
        await using var app = await StartAsync();
        var request = Request(new Wire.Guide { Regex = "a", GrammarSyntax = Wire.GrammarSyntax.Lark });
        var violation = Assert.Single(await RefusedAsync(app, request, StatusCode.InvalidArgument));

        Assert.Equal("sampling.guide.grammar_syntax", violation.Field);
    }

    [Fact]
    public async Task Generate_PackageWithoutTokenizer_RefusesTheGuideAndServesTheRest()
    {
        await using var app = await GeneratorApp.StartAsync();
        var violation = Assert.Single(await RefusedAsync(app, Request(new Wire.Guide { Regex = "a" }), StatusCode.InvalidArgument));

        Assert.Contains("holds no tokenizer", violation.Description);
        Assert.NotEmpty(Ids(await app.GenerateAsync(Request(null))));
    }

    [Fact]
    public async Task Generate_CancelledWhileItCompiles_EndsTheCallAndTheWork()
    {
        using var go = new ManualResetEventSlim();
        await using var app = await StartAsync(() =>
        {
            go.Wait();
            return GuideWorld.Tokens;
        });
        using var caller = new CancellationTokenSource();
        var call = app.GenerateAsync(Request(new Wire.Guide { Regex = "a+" }), caller.Token);
        await caller.CancelAsync();

        await Assert.ThrowsAnyAsync<Exception>(() => call);
        go.Set();
        Assert.NotEmpty(Ids(await app.GenerateAsync(Request(null))));
    }

    private static Task<GeneratorApp> StartAsync(Func<TokenVocabulary>? tokens = null)
    {
        var runner = new ScriptedModelRunner(blockCount: 400);
        return GeneratorApp.StartAsync(
            runner, open: () => GeneratorApp.Model(runner) with { ReadTokens = tokens ?? (() => GuideWorld.Tokens) });
    }

    private static Wire.GenerateRequest Request(Wire.Guide? guide) => new()
    {
        RequestId = "guided",
        PromptIds = { EngineBench.Prompt(7) },
        Sampling = new Wire.SamplingParameters { MaxTokens = 40, Temperature = 1.5f, Seed = 1, Guide = guide },
    };

    private static async Task<IReadOnlyList<BadRequest.Types.FieldViolation>> RefusedAsync(
        GeneratorApp app, Wire.GenerateRequest request, StatusCode code)
    {
        var fault = await Assert.ThrowsAsync<RpcException>(() => app.GenerateAsync(request));
        Assert.Equal(code, fault.StatusCode);
        return fault.GetRpcStatus()!.GetDetail<BadRequest>().FieldViolations;
    }

    private static uint[] Ids(List<Wire.GenerateResponse> events) =>
        [.. events.Where(one => one.Tokens is not null).SelectMany(one => one.Tokens.Ids)];

    private static string Text(List<Wire.GenerateResponse> events) => GuideWorld.Text(Ids(events));
}
