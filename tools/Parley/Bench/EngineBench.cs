using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Parley.Cli.Packages;
using Parley.Generator;
using Parley.Generator.Execution;
using Spectre.Console;

namespace Parley.Cli.Bench;

/// <summary><c>parley bench engine</c>: steps of the model alone, without scheduler, sampling or services around them.</summary>
internal static class EngineBench
{
    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    public static Command CreateCommand(IAnsiConsole console)
    {
        var model = new ModelSelection();
        var batches = Numbers("--batches", "Sequences of the decode steps.", [1, 2, 4, 8, 16]);
        var prompts = Numbers("--prompts", "Lengths of the prefill steps.", [32, 128, 512]);
        var context = new Option<int>("--past")
        {
            Description = "Tokens in the cache before a decode step.",
            DefaultValueFactory = _ => 256,
        };
        var repeats = new Option<int>("--repeats") { Description = "Steps of which the median counts.", DefaultValueFactory = _ => 15 };
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
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var command = new Command("engine", "Bare model steps: prefill by length, decode by batch.")
        {
            batches, prompts, context, repeats, cache, block, json,
        };
        model.AddTo(command);
        command.SetAction(async (result, cancellationToken) =>
        {
            var package = await PackageCache.ResolveAsync(console, model, result, cancellationToken);
            var load = new EngineLoad(
                result.GetRequiredValue(batches), result.GetRequiredValue(prompts), result.GetValue(context), result.GetValue(repeats),
                result.GetValue(cache), result.GetValue(block));
            using var steps = new EngineSteps(package, load, result.GetValue(model.Threads));
            var rows = steps.Run(cancellationToken);
            if (result.GetValue(json))
                Console.Out.WriteLine(JsonSerializer.Serialize(rows, Json));
            else
                Write(console, steps.Device, rows);
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

    private static void Write(IAnsiConsole console, string device, IEnumerable<EngineResult> rows)
    {
        console.MarkupLineInterpolated($"[grey]{device}[/]");
        var table = new Table().AddColumns("step", "sequences", "tokens", "past", "ms", "tok/s");
        foreach (var row in rows)
        {
            table.AddRow(
                row.Kind, Number(row.Sequences), Number(row.Tokens), Number(row.Context), Number(row.StepMs), Number(row.TokensPerSecond));
        }

        console.Write(table);
    }

    private static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
