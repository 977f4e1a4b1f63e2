using System.Diagnostics.Metrics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Parley.Generator.Guidance;
using Parley.Generator.Guides.Limits;
using Parley.Generator.Guides.Vocabulary;
using Parley.TestSupport;

namespace Parley.Generator.Tests.Guidance;

public sealed class GuideCompilerTests : IDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly LogGuard _log = new();

    public static TheoryData<string> Bombs =>
    [
        // 10⁶ alternatives, each an object.
        $$"""{"anyOf":[{{string.Join(',', Enumerable.Repeat("""{"const":{"a":1}}""", 60_000))}}]}""",
        $$"""{"enum":[{{string.Join(',', Enumerable.Range(0, 100_000).Select(i => i.ToString(CultureInfo.InvariantCulture)))}}]}""",
        """{"$ref":"#"}""",
        """{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"}""",
        string.Concat(Enumerable.Repeat("""{"not":""", 500)) + "{}" + new string('}', 500),
        """{"type":"string","pattern":"^((a{1,100}){1,100}){1,100}$"}""",
        """{"type":"string","pattern":"^(a|b)*a(a|b){60}$"}""",
        """
        {"type":"string","allOf":[{"pattern":"(a|b)*a(a|b){14}"},{"pattern":"(a|b)*b(a|b){14}c"}],"not":{"pattern":"(a|c)*b(a|b){14}"}}
        """,
    ];

    public static TheoryData<string> GrammarBombs =>
    [
        "root ::= \"a\"{2000000000}",
        "root ::= \"\"{2000000000}",
        "root ::= (((\"a\"{0,999}){0,999}){0,999}){0,999}",
        "root ::= root root root | \"a\" | \"\"",
        "root ::= " + string.Concat(Enumerable.Repeat("\"a\"? ", 50_000)),
        "root ::= " + string.Concat(Enumerable.Repeat("(", 100_000)),
        "root ::= " + string.Concat(Enumerable.Repeat("\"a\" | ", 100_000)) + "\"b\"",
        string.Concat(Enumerable.Range(0, 9_000).Select(i => $"r{i} ::= r{i + 1} | \"a\" r{i + 1}\n")) + "r9000 ::= \"b\"\nroot ::= r0",
        string.Concat(Enumerable.Range(0, 60).Select(i => $"r{i} ::= r{i + 1} r{i + 1}\n")) + "r60 ::= \"a\" | \"\"\nroot ::= r0",
        string.Concat(Enumerable.Range(0, 60).Select(i => $"R{i}: R{i + 1} R{i + 1}\n")) + "R60: /a?/\nstart: R0",
        string.Concat(Enumerable.Range(0, 20_000).Select(i => $"r{i} ::= \"a\"\n")) + "root ::= r0",
        "start: /((a{1,100}){1,100}){1,100}/",
        "start: /(a|b)*a(a|b){60}/",
        $$"""{"format":{"type":"any_text","excludes":[{{string.Join(',', Enumerable.Range(0, 20_000).Select(i => $"\"stop{i}\""))}}]}}""",
        $$"""{"format":{{string.Concat(Enumerable.Repeat("""{"type":"plus","content":""", 60))}}{"type":"any_text"}{{new string('}', 60)}}}""",
        """{"format":{"type":"repeat","min":100000,"max":-1,"content":{"type":"json_schema","json_schema":true}}}""",
    ];

    public void Dispose()
    {
        _services.Dispose();
        _log.Dispose();
    }

    [Fact]
    public async Task Get_SameContent_IsOneGuide()
    {
        using var guides = Compiler(new GuideOptions());
        var together = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => guides.GetAsync(Regex("[ab]+"), default)));
        var other = await guides.GetAsync(new GuideSource(GuideKind.Choice, ["[ab]+"]), default);

        Assert.Single(together.Distinct());
        Assert.NotSame(together[0], other);
        Assert.Equal(2, guides.Count);
    }

    [Fact]
    public void Key_OfOtherTexts_IsAnother()
    {
        string[][] choices = [["a", "b"], ["a b"], ["ab"], ["a 1:b"], ["a", "", "b"], ["b", "a"]];
        Assert.Equal(choices.Length, choices.Select(texts => new GuideSource(GuideKind.Choice, texts).Key).Distinct().Count());
    }

    [Fact]
    public async Task Get_MoreThanAreKept_ForgetsTheOneThatWasUsedLongestAgo()
    {
        using var guides = Compiler(new GuideOptions { CachedMax = 2 });
        var (first, second) = (await guides.GetAsync(Regex("a"), default), await guides.GetAsync(Regex("b"), default));
        Assert.Same(first, await guides.GetAsync(Regex("a"), default));
        await guides.GetAsync(Regex("c"), default);

        Assert.Equal(2, guides.Count);
        Assert.Same(first, await guides.GetAsync(Regex("a"), default));
        Assert.NotSame(second, await guides.GetAsync(Regex("b"), default));
    }

    [Fact]
    public async Task Get_MoreMemoryThanMayBeKept_ForgetsTheOneThatWasUsedLongestAgo()
    {
        // 200 states of a nested text and the rest of some thousands of nodes: half a mebibyte each.
        using var guides = Compiler(new GuideOptions { CachedMegabytesMax = 1 });
        var sources = Enumerable.Range(0, 3).Select(i => new GuideSource(
            GuideKind.Grammar, [$"root ::= \"a\"{{{12_000 + i}}}"])).ToList();
        var first = await guides.GetAsync(sources[0], default);
        Assert.InRange(first.Bytes, 400_000, 700_000);
        var second = await guides.GetAsync(sources[1], default);
        Assert.Same(first, await guides.GetAsync(sources[0], default));
        await guides.GetAsync(sources[2], default);

        Assert.InRange(guides.Count, 1, 2);
        Assert.NotSame(second, await guides.GetAsync(sources[1], default));
    }

    [Theory]
    [MemberData(nameof(GrammarBombs))]
    public async Task Get_GrammarBomb_IsRefusedOrHarmless(string grammar)
    {
        using var guides = Compiler(new GuideOptions());
        var source = grammar.StartsWith('{') ? new GuideSource(GuideKind.StructuralTag, [grammar]) : new GuideSource(GuideKind.Grammar, [grammar]);
        try
        {
            var matcher = (await guides.GetAsync(source, default)).Begin();
            var mask = new uint[GuideWorld.Tokens.Words];
            for (var i = 0; i < 200; i++)
            {
                matcher.FillMask(mask);
                if (!matcher.TryTake((int)GuideWorld.Id("a")))
                    break;
            }

            Assert.InRange(matcher.Guide.Bytes, 1, 200L << 20);
        }
        catch (GuideException exception)
        {
            Assert.InRange(exception.Message.Length, 10, 300);
        }
    }

    [Theory]
    [MemberData(nameof(Bombs))]
    public async Task Get_Bomb_IsRefusedOrHarmless(string schema)
    {
        using var guides = Compiler(new GuideOptions { StatesMax = 20_000, SearchStepsMax = 200_000 });
        try
        {
            var guide = await guides.GetAsync(new GuideSource(GuideKind.JsonSchema, [schema]), default);
            var matcher = guide.Begin();
            matcher.FillMask(new uint[GuideWorld.Tokens.Words]);
        }
        catch (GuideException exception)
        {
            Assert.InRange(exception.Message.Length, 10, 300);
        }
    }

    [Fact]
    public async Task Get_LongerThanAllowed_IsRefusedBeforeItIsRead()
    {
        using var guides = Compiler(new GuideOptions { TextBytesMax = 10 });
        var fault = await Assert.ThrowsAsync<GuideException>(() => guides.GetAsync(Regex("abcdefghijk"), default));
        Assert.Contains("longer than 10 bytes", fault.Message);
    }

    [Fact]
    public async Task Get_CallerLeaves_CompilesNoFurtherAndKeepsNothing()
    {
        using var entered = new ManualResetEventSlim();
        using var go = new ManualResetEventSlim();
        using var guides = Compiler(new GuideOptions(), () =>
        {
            entered.Set();
            go.Wait();
            return GuideWorld.Tokens;
        });
        using var caller = new CancellationTokenSource();
        var abandoned = guides.GetAsync(Regex("a+"), caller.Token);
        entered.Wait();
        await caller.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => abandoned);
        Assert.Equal(0, guides.Count);
        go.Set();
        Assert.NotNull(await guides.GetAsync(Regex("a+"), default));
    }

    [Fact]
    public async Task Get_AsManyBeingCompiledAsMayBeKept_IsRefusedForNow()
    {
        using var go = new ManualResetEventSlim();
        using var guides = Compiler(new GuideOptions { CachedMax = 1 }, () =>
        {
            go.Wait();
            return GuideWorld.Tokens;
        });
        var first = guides.GetAsync(Regex("a+"), default);
        var same = guides.GetAsync(Regex("a+"), default);
        await Assert.ThrowsAsync<GuideOverloadException>(() => guides.GetAsync(Regex("b+"), default));
        go.Set();

        Assert.Same(await first, await same);
        Assert.NotNull(await guides.GetAsync(Regex("b+"), default));
    }

    [Fact]
    public async Task Get_NoTokenizer_IsRefusedWithTheReason()
    {
        using var guides = Compiler(new GuideOptions(), () => throw new InvalidDataException("/secret/tokenizer.json is missing"));
        var fault = await Assert.ThrowsAsync<GuideException>(() => guides.GetAsync(Regex("a+"), default));

        Assert.Contains("its package holds no tokenizer", fault.Message);
        Assert.DoesNotContain("/secret", fault.Message);
        Assert.Contains(_log.Entries, entry => entry.Contains("its tokenizer was not read", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Get_RefusedOnce_IsRefusedAgainFromMemory()
    {
        using var guides = Compiler(new GuideOptions());
        var source = new GuideSource(GuideKind.JsonSchema, ["""{"properties":{"a":{"type":"colour"}}}"""]);
        var first = await Assert.ThrowsAsync<GuideException>(() => guides.GetAsync(source, default));
        var second = await Assert.ThrowsAsync<GuideException>(() => guides.GetAsync(source, default));

        Assert.Same(first, second);
        Assert.StartsWith("/properties/a", first.Place);
    }

    private static GuideSource Regex(string pattern) => new(GuideKind.Regex, [pattern]);

    private GuideCompiler Compiler(GuideOptions options, Func<TokenVocabulary>? tokens = null) => new(
        options, tokens ?? (() => GuideWorld.Tokens), new GeneratorTelemetry(_services.GetRequiredService<IMeterFactory>()),
        TimeProvider.System, _log.CreateLogger("guides"));
}
