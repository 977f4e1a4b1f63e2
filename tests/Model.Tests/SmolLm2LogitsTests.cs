using Parley.Generator.Execution;
using Parley.Generator.Execution.Kernels;
using Parley.Generator.Model;
using Parley.ModelPackages;
using Parley.TestSupport;

namespace Parley.Model.Tests;

/// <summary>The numbers below the answers: logits of the last prompt position, and what quantisation does to a greedy answer.</summary>
public sealed class SmolLm2LogitsTests(ITestOutputHelper output) : IDisposable
{
    private const double LogitErrorMax = 1e-3;
    private const int ContextTokensMax = 2048;
    private const int ChunkTokens = 128;

    private readonly string _folder = Directory.CreateTempSubdirectory("parley-logits-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Run_Fp32_GivesTheReferenceLogits()
    {
        var cases = SmolLm2System.Cases();
        using var runner = await OpenAsync("fp32");
        var worst = 0.0;
        foreach (var expected in cases)
        {
            var logits = Prefill(runner, expected.Ids);
            for (var i = 0; i < expected.Top50Ids.Length; i++)
                worst = Math.Max(worst, Math.Abs(logits[expected.Top50Ids[i]] - expected.Top50Logits[i]));
        }

        output.WriteLine($"worst |logit difference| over {cases.Length} × 50: {worst:0.0e0}");
        Assert.InRange(worst, 0, LogitErrorMax);
    }

    [Theory]
    [InlineData("int8", 0.9)]
    [InlineData("w8a8", 0.85)]
    [InlineData("int4", 0.9)]
    public async Task Run_QuantizedGreedy_StaysWithTheReferenceForAWhile(string precision, double shareMin)
    {
        var cases = SmolLm2System.Cases();
        Assert.SkipUnless(precision != "w8a8" || IntegerProductSelfTest.IsExact, "8-bit products saturate on this processor.");
        using var runner = await OpenAsync(precision);
        int equal = 0, all = 0, forced = 0;
        foreach (var expected in cases)
        {
            var free = Greedy(runner, expected.Ids, expected.Greedy, follow: false);
            var agreeing = free.Zip(expected.Greedy).TakeWhile(pair => pair.First == pair.Second).Count();
            var following = Greedy(runner, expected.Ids, expected.Greedy, follow: true);
            forced += following.Zip(expected.Greedy).Count(pair => pair.First == pair.Second);
            equal += agreeing;
            all += expected.Greedy.Length;
        }

        output.WriteLine($"{precision}: {equal} of {all} greedy ids before the first difference;"
            + $" {forced} of {all} when each step is given the reference's past");
        Assert.True((double)forced / all >= shareMin, $"{precision}: {forced} of {all}");
    }

    [Theory]
    [InlineData("Fp16", 1e-5, 0.998)]
    [InlineData("Int8", 3e-3, 0.97)]
    public async Task Run_NarrowCache_KeepsTheDistributions(string precision, double divergenceMax, double agreementMin)
    {
        // One long text of all prompts and answers, so that late rows read a thousand cached tokens.
        uint[] text = [.. SmolLm2System.Cases().SelectMany(expected => expected.Ids.Concat(expected.Greedy)).Take(1024)];
        using var exact = await OpenAsync("fp32");
        using var narrow = await OpenAsync("fp32", Enum.Parse<KvCachePrecision>(precision));
        double divergence = 0;
        var agreeing = 0;
        for (var past = 0; past < text.Length; past += ChunkTokens)
        {
            var ids = text.AsSpan(past, Math.Min(ChunkTokens, text.Length - past)).ToArray();
            var reference = Step(exact, ids, past, ids.Length);
            var actual = Step(narrow, ids, past, ids.Length);
            var vocabulary = exact.Shape.VocabularySize;
            for (var row = 0; row < ids.Length; row++)
            {
                ReadOnlySpan<float> p = reference.AsSpan(row * vocabulary, vocabulary), q = actual.AsSpan(row * vocabulary, vocabulary);
                divergence += Divergence(p, q);
                agreeing += ArgMax(p) == ArgMax(q) ? 1 : 0;
            }
        }

        var (mean, agreement) = (divergence / text.Length, (double)agreeing / text.Length);
        output.WriteLine($"{precision} cache over {text.Length} tokens: mean KL {mean:0.00e0}, top-1 agreement {agreement:P2}");
        Assert.InRange(mean, 0, divergenceMax);
        Assert.True(agreement >= agreementMin, $"{agreement:P2}");
    }

    /// <summary>The head's coarse pass leaves out only what cannot be among the best, and with one best that is most of them.</summary>
    [Theory]
    [InlineData(1, 1, 200)]
    [InlineData(50, 1, 200)]
    [InlineData(1, 16, 640)]
    [InlineData(50, 64, 640)]
    public async Task Run_OnlyTheBestLogitsCount_GivesTheSetOfTheWholeHead(int best, int rows, int tokens)
    {
        uint[] text = [.. SmolLm2System.Cases().SelectMany(expected => expected.Ids.Concat(expected.Greedy)).Take(tokens)];
        using var runner = await OpenAsync("int4");
        var (vocabulary, exact) = (runner.Shape.VocabularySize, 0L);
        for (var past = 0; past < text.Length; past += rows)
        {
            var ids = text.AsSpan(past, Math.Min(rows, text.Length - past)).ToArray();
            var whole = Step(runner, ids, past, ids.Length);
            var actual = Step(runner, ids, past, ids.Length, best);
            for (var row = 0; row < ids.Length; row++)
            {
                var (start, end) = (row * vocabulary, (row + 1) * vocabulary);
                exact += CheckBest(whole.AsSpan()[start..end], actual.AsSpan()[start..end], best, past + row);
            }
        }

        var share = exact / (double)text.Length / vocabulary;
        output.WriteLine($"{best} best of {rows} rows: {share:P1} of the logits are exact");
        Assert.True(best > 1 || rows > 1 || share < 0.5, $"{share:P1}");
    }

    /// <summary>Asserts that the best are the same and all others below them.</summary>
    /// <returns>How many are the same.</returns>
    private static int CheckBest(ReadOnlySpan<float> whole, ReadOnlySpan<float> actual, int best, int position)
    {
        var (exact, least) = (0, whole.ToArray().OrderDescending().ElementAt(best - 1));
        for (var i = 0; i < whole.Length; i++)
        {
            if (whole[i] >= least ? whole[i] != actual[i] : actual[i] >= least)
                Assert.Fail($"position {position}, token {i}: {whole[i]} and {actual[i]}, the last that counts is {least}");
            exact += whole[i] == actual[i] ? 1 : 0;
        }

        return exact;
    }

    /// <summary>Kullback-Leibler divergence of two rows of logits, in nats.</summary>
    private static double Divergence(ReadOnlySpan<float> reference, ReadOnlySpan<float> actual)
    {
        var (p, q) = (LogSum(reference), LogSum(actual));
        double sum = 0;
        for (var i = 0; i < reference.Length; i++)
            sum += Math.Exp(reference[i] - p) * (reference[i] - p - (actual[i] - q));
        return sum;
    }

    private static double LogSum(ReadOnlySpan<float> logits)
    {
        var largest = System.Numerics.Tensors.TensorPrimitives.Max(logits);
        double sum = 0;
        foreach (var logit in logits)
            sum += Math.Exp(logit - largest);
        return largest + Math.Log(sum);
    }

    /// <summary>Greedy ids; with <paramref name="follow"/> each step sees the reference's tokens and not its own.</summary>
    private static List<uint> Greedy(OnnxModelRunner runner, uint[] prompt, uint[] reference, bool follow)
    {
        var ids = new List<uint>();
        var logits = Prefill(runner, prompt);
        for (var i = 0; i < reference.Length; i++)
        {
            ids.Add(ArgMax(logits));
            logits = Step(runner, [follow ? reference[i] : ids[^1]], prompt.Length + i);
        }

        return ids;
    }

    private static uint ArgMax(ReadOnlySpan<float> logits) => (uint)System.Numerics.Tensors.TensorPrimitives.IndexOfMax(logits);

    private static float[] Prefill(OnnxModelRunner runner, uint[] ids) => Step(runner, ids, past: 0);

    private static float[] Step(OnnxModelRunner runner, uint[] ids, int past, int logitRows = 1, int logitBest = 0)
    {
        var batch = Options.CreateBatch();
        var blocks = Enumerable.Range(0, (past + ids.Length + runner.BlockTokens - 1) / runner.BlockTokens).ToArray();
        batch.Clear(blocks.Length);
        batch.Add(ids, past, blocks, logitRows, logitBest);
        return runner.Run(batch).ToArray();
    }

    private static RunnerOptions Options { get; } = new()
    {
        BlockCount = ContextTokensMax / 32,
        StepTokensMax = ContextTokensMax,
        SequencesMax = 1,
        LogitRowsMax = ChunkTokens,
        ContextTokensMax = ContextTokensMax,
    };

    private async Task<OnnxModelRunner> OpenAsync(string precision, KvCachePrecision cachePrecision = KvCachePrecision.Fp32)
    {
        var folder = Path.Combine(_folder, precision);
        if (!Directory.Exists(folder))
            await PackageCache.ImportAsync(Shared.SmolLm2(), folder, precision, CancellationToken.None);
        var package = ModelPackage.Open(folder);
        return OnnxModelRunner.Create(package.ModelPath, package.Manifest, Options with { CachePrecision = cachePrecision });
    }
}
