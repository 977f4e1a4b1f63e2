using System.CommandLine;
using Parley.Cli.Hub;
using Parley.Cli.Packages;
using Parley.Generator;
using Parley.Generator.Execution.Kernels;
using Spectre.Console;

namespace Parley.Cli.Bench.Engine;

/// <summary><c>parley bench engine</c>: steps of the model alone, without scheduler, sampling or services around them.</summary>
internal static class EngineBench
{
    public static Command CreateCommand(IAnsiConsole console)
    {
        var model = new ModelSelection();
        var batches = Numbers("--batches", "Sequences of the decode steps.", [1, 2, 4, 8, 16]);
        var prompts = Numbers("--prompts", "Lengths of the prefill steps.", [32, 128, 512]);
        var pasts = Numbers("--past", "Tokens in the cache before a decode step.", [256]);
        var repeats = new Option<int>("--repeats") { Description = "Steps of each kind.", DefaultValueFactory = _ => 15 };
        var cache = new Option<KvCachePrecision>("--cache")
        {
            Description = "How keys and values lie in the cache.",
            DefaultValueFactory = _ => new GeneratorOptions().KvCachePrecision,
        };
        var block = new Option<int>("--block")
        {
            Description = "Positions per KV block.",
            DefaultValueFactory = _ => new GeneratorOptions().KvBlockTokens,
        };
        var best = Numbers("--logit-best", "How many of the best logits count: 1 as in greedy requests, k as with top-k, 0 for all.", [1]);
        var spin = new Option<int>("--spin")
        {
            Description = "Microseconds that a thread without work looks for some within a step; 0 is not at all.",
            DefaultValueFactory = _ => new GeneratorOptions().SpinMicroseconds,
        };
        var parts = new Option<bool>("--parts") { Description = "Take the decode steps apart: attention, linears, head, sampling, rest." };
        var json = new Option<bool>("--json") { Description = "Print JSON with all parameters and the machine." };
        var command = new Command("engine", "Bare model steps: prefill by length, decode by batch and context.")
        {
            batches, prompts, pasts, repeats, cache, block, best, spin, parts, json,
        };
        model.AddTo(command);
        command.SetAction(async (result, cancellationToken) =>
        {
            var package = await SelectedPackage.ResolveAsync(
                ModelProgress.ConsoleOf(console, result.GetValue(json)), model, result, cancellationToken);
            var load = new EngineLoad(
                result.GetRequiredValue(batches), result.GetRequiredValue(pasts), result.GetRequiredValue(prompts),
                result.GetValue(repeats), result.GetValue(cache), result.GetValue(block),
                result.GetRequiredValue(best), result.GetValue(spin), result.GetValue(parts));
            using var steps = new EngineSteps(package, load, result.GetValue(model.Threads));
            var report = steps.Run(cancellationToken);
            if (result.GetValue(json))
                Console.Out.WriteLine(report.ToJson());
            else
                report.Write(console);
            return 0;
        });
        return command;
    }

    private static Option<int[]> Numbers(string name, string description, int[] numbers) => new(name)
    {
        Description = description,
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => numbers,
    };
}
