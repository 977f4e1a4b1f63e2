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
