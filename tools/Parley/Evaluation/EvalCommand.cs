using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Parley.Cli.Hosting;
using Parley.Cli.Hub;
using Spectre.Console;

namespace Parley.Cli.Evaluation;

/// <summary><c>parley eval</c>: what a package's precision costs, as perplexity of a text and as divergence from a reference.</summary>
internal static class EvalCommand
{
    private const int DefaultWindow = 512;

    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    /// <param name="console">Where progress is shown.</param>
    /// <param name="resolve">Makes packages of what the command line names.</param>
    public static Command Create(
        IAnsiConsole console, Func<IAnsiConsole, IReadOnlyList<string>, CancellationToken, Task<string[]>> resolve)
    {
        var packages = new Argument<string[]>("packages")
        {
            Description = "Package folders, or names on the Hugging Face Hub.",
            Arity = ArgumentArity.OneOrMore,
        };
        var text = new Option<string[]>("--text")
        {
            Description = "Text files (UTF-8), read one after the other.",
            AllowMultipleArgumentsPerToken = true,
        };
        var ids = new Option<string?>("--ids") { Description = "Instead of a text: a JSON list of token ids." };
        var reference = new Option<string?>("--reference")
        {
            Description = "A package of the same model, best in fp32: adds KL divergence and top-1 agreement.",
            HelpName = "PACKAGE",
        };
        var window = new Option<int>("--window")
        {
            Description = "Tokens that are read with an empty cache before them.",
            DefaultValueFactory = _ => DefaultWindow,
        };
        var stride = new Option<int>("--stride")
        {
            Description = "Tokens from the start of one window to the next; 0 is the window, so that none overlap.",
        };
        var tokensMax = new Option<int>("--tokens-max") { Description = "Tokens of the text to use; 0 is all." };
        var threads = new Option<int>("--threads", "-t") { Description = "ONNX Runtime's threads; 0 is one per physical core." };
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var command = new Command("eval", "Perplexity of a text, and how far a package is from a reference.")
        {
            packages, text, ids, reference, window, stride, tokensMax, threads, json,
        };
        command.SetAction(async (result, _) =>
        {
            using var termination = new Termination();
            var status = ModelProgress.ConsoleOf(console, result.GetValue(json));
            var folders = await resolve(status, result.GetRequiredValue(packages), termination.Token);
            var compared = result.GetValue(reference) is { } named ? (await resolve(status, [named], termination.Token))[0] : null;
            var plan = Plan(
                folders[0], result.GetValue(text) ?? [], result.GetValue(ids), result.GetValue(window), result.GetValue(stride),
                result.GetValue(tokensMax));
            IReadOnlyList<EvaluationResult> Run(Action<int>? advance) => ModelEvaluation.Run(
                plan, folders, compared, result.GetValue(threads), advance, termination.Token);
            if (result.GetValue(json))
                WriteJson(plan, Run(null));
            else
                Write(console, plan, WithProgress(console, plan, Run));
            return 0;
        });
        return command;
    }

    private static EvaluationPlan Plan(string folder, string[] files, string? ids, int window, int stride, int tokensMax)
    {
        if (files.Length == 0 == ids is null)
            throw new UserErrorException("Name what is read: --text FILE… or --ids FILE.");
        if (window < 2)
            throw new UserErrorException($"--window is {window}; at least 2 tokens make a window.");
        if (stride < 0 || stride > window)
            throw new UserErrorException($"--stride is {stride}; it goes from 1 to the window ({window}), 0 being the window.");
        if (tokensMax < 0)
            throw new UserErrorException($"--tokens-max is {tokensMax}; it goes from 0 on.");
        var text = ids is null ? EvaluationText.Encode(folder, files, tokensMax) : EvaluationText.FromIds(ids, tokensMax);
        return new EvaluationPlan(text.Ids, text.Prefix, window, stride == 0 ? window : stride);
    }

    private static IReadOnlyList<EvaluationResult> WithProgress(
        IAnsiConsole console, EvaluationPlan plan, Func<Action<int>, IReadOnlyList<EvaluationResult>> run) =>
        console.Progress().AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(context =>
            {
                var task = context.AddTask("read", maxValue: Math.Max(1, plan.ScoredTokens));
                return run(tokens => task.Increment(tokens));
            });

    private static void WriteJson(EvaluationPlan plan, IReadOnlyList<EvaluationResult> results) =>
        Console.Out.WriteLine(JsonSerializer.Serialize(
            new { plan.Tokens, plan.ScoredTokens, plan.WindowTokens, plan.StrideTokens, Results = results }, Json));

    private static void Write(IAnsiConsole console, EvaluationPlan plan, IReadOnlyList<EvaluationResult> results)
    {
        console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{plan.Tokens} tokens, {plan.ScoredTokens} scored; window {plan.WindowTokens}, stride {plan.StrideTokens}"));
        var table = new Table().AddColumns("package", "precision", "perplexity", "KL, nats/token", "KL p99", "KL max", "top-1");
        foreach (var result in results)
        {
            table.AddRow(
                Markup.Escape(Path.GetFileName(Path.TrimEndingDirectorySeparator(result.Package))), result.Precision,
                Number(result.Perplexity, "0.000"), Number(result.Divergence?.KlMean, "0.00000"),
                Number(result.Divergence?.KlP99, "0.0000"), Number(result.Divergence?.KlMax, "0.0000"),
                Number(result.Divergence?.TopOneAgreement, "0.0 %"));
        }

        console.Write(table);
    }

    private static string Number(double? value, string format) =>
        value is { } number ? number.ToString(format, CultureInfo.InvariantCulture) : "";
}
