using Parley.Cli.Evaluation;
using Parley.ModelPackages;
using Parley.TestSupport;

namespace Parley.Model.Tests.Evaluation;

/// <summary>The evaluation on the bundled demo model, against a plain forward pass.</summary>
public sealed class ModelEvaluationTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("parley-eval-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Perplexity_OfTheDemoModel_IsThatOfAPlainComputation()
    {
        var package = await ImportAsync("fp32");
        var text = EvaluationText.Encode(package, [Write("A token is a piece of text. What is a KV cache? It keeps keys and values.")], 0);
        var plan = new EvaluationPlan(text.Ids, text.Prefix, windowTokens: 10, strideTokens: 6);

        var result = Assert.Single(Run(plan, package));

        var expected = Plain(plan);
        Assert.Equal(plan.ScoredTokens, result.Tokens);
        Assert.InRange(result.NegativeLogLikelihood / expected, 1 - 1e-5, 1 + 1e-5);
        Assert.Equal(Math.Exp(result.NegativeLogLikelihood), result.Perplexity);
        Assert.Null(result.Divergence);
    }

    [Fact]
    public async Task Divergence_OfAPackageFromItself_IsNothing_AndOfAnotherPrecisionSomething()
    {
        var (exact, rounded) = (await ImportAsync("fp32"), await ImportAsync("int4"));
        var file = Write(string.Join('\n', Enumerable.Repeat("Greedy decoding takes the most likely token at each step.", 20)));
        var text = EvaluationText.Encode(exact, [file], tokensMax: 200);
        var plan = new EvaluationPlan(text.Ids, text.Prefix, windowTokens: 160, strideTokens: 160);

        var results = ModelEvaluation.Run(plan, [exact, rounded], exact, threads: 1, advance: null, CancellationToken.None);

        Assert.Equal(["fp32", "fp32", "int4"], results.Select(result => result.Precision));
        Assert.All(results.Take(2), result => Assert.Equal(new DivergenceResult(0, 0, 0, 1), result.Divergence));
        Assert.Equal(results[0] with { Package = results[1].Package }, results[1]);
        var loss = results[2].Divergence!;
        Assert.InRange(loss.KlMean, 1e-5, 2);
        Assert.InRange(loss.KlMax, loss.KlMean, double.MaxValue);
        Assert.InRange(loss.KlP99, 0, loss.KlMax);
        Assert.InRange(loss.TopOneAgreement, 0.3, 1);
        Assert.Equal(results, ModelEvaluation.Run(plan, [exact, rounded], exact, threads: 1, advance: null, CancellationToken.None));
    }

    [Fact]
    public async Task Run_TextThatIsTooShortOrOfAnotherVocabulary_SaysSo()
    {
        var package = await ImportAsync("fp32");

        var shortText = Assert.Throws<InvalidDataException>(() => Run(new EvaluationPlan([5], [], 16, 16), package));
        Assert.Contains("at least 2", shortText.Message);
        var unknown = Assert.Throws<InvalidDataException>(() => Run(new EvaluationPlan([5, 1_000_000], [], 16, 16), package));
        Assert.Contains("1000000", unknown.Message);
        var window = Assert.Throws<InvalidDataException>(
            () => Run(new EvaluationPlan(new uint[100_000], [], 100_000, 100_000), package));
        Assert.Contains("--window", window.Message);
    }

    private static IReadOnlyList<EvaluationResult> Run(EvaluationPlan plan, string package) =>
        ModelEvaluation.Run(plan, [package], reference: null, threads: 1, advance: null, CancellationToken.None);

    private static double Plain(EvaluationPlan plan)
    {
        var model = new ReferenceForward(Shared.DemoModel);
        var losses = new List<double>();
        foreach (var window in plan.Windows)
        {
            var logits = model.Logits([.. window.Ids.Select(id => (int)id)]);
            for (var i = window.FirstScored; i < window.Ids.Length; i++)
                losses.Add(Math.Log(logits[i - 1].Sum(logit => Math.Exp(logit))) - logits[i - 1][window.Ids[i]]);
        }

        return losses.Average();
    }

    private string Write(string text)
    {
        var path = Path.Combine(_folder, "text.txt");
        File.WriteAllText(path, text);
        return path;
    }

    private Task<string> ImportAsync(string precision) =>
        PackageCache.ImportAsync(Shared.DemoModel, Path.Combine(_folder, precision), precision, CancellationToken.None);
}
