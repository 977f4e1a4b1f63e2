using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Parley.Cli.Bench.Serve;
using Parley.Cli.Hub;
using Parley.Cli.Packages;
using Spectre.Console;

namespace Parley.Cli.Bench.Stack;

/// <summary><c>parley bench stack</c>: bare steps → engine → three services, in one run.</summary>
internal static class StackBench
{
    public static Command CreateCommand(IAnsiConsole console)
    {
        var arguments = new StackArguments();
        var command = new Command("stack", "Decoding at three heights in one run: bare model steps, the engine, the three services.");
        arguments.AddTo(command);
        command.SetAction(async (result, cancellationToken) =>
        {
            var options = arguments.Read(result);
            var asJson = result.GetValue(arguments.Json);
            var package = await SelectedPackage.ResolveAsync(
                ModelProgress.ConsoleOf(console, asJson), arguments.Model, result, cancellationToken);
            using var run = new StackRun(package, options, result.GetValue(arguments.Model.Threads));
            var rows = await run.RunAsync(
                asJson ? Console.Error.WriteLine : text => console.MarkupLineInterpolated($"[grey]{text}[/]"), cancellationToken);
            if (asJson)
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(
                    new { Machine = MachineFacts.Read(), Package = package, run.Device, run.LoadSeconds, Options = options, Rows = rows },
                    ServeReport.Json));
            }
            else
            {
                Write(console, run, rows);
            }

            foreach (var row in rows.Where(row => row.Failure is not null))
                await Console.Error.WriteLineAsync($"error: {row.Streams} streams: {row.Failure}");
            return rows.All(row => row.Failure is null) ? 0 : 1;
        });
        return command;
    }

    private static void Write(IAnsiConsole console, StackRun run, IEnumerable<StackResult> rows)
    {
        console.MarkupLineInterpolated($"[grey]{MachineFacts.Read().ToString()}[/]");
        console.MarkupLineInterpolated($"[grey]{run.Device}, loaded in {run.LoadSeconds:0.0} s[/]");
        var table = new Table().Border(TableBorder.Simple).AddColumns(
            "streams", "height", "tok/s", "of bare steps", "processor\nµs/token", "step ms", "in steps", "bytes/token", "heap MB",
            "client\nµs/token");
        foreach (var row in rows)
        {
            Add(table, row.Streams, "bare steps", row.Steps, 1);
            Add(table, row.Streams, "engine", row.Engine, row.EngineShare);
            Add(table, row.Streams, "services", row.Services, row.ServicesShare);
        }

        console.Write(table);
    }

    private static void Add(Table table, int streams, string height, StackMeasure? measure, double? share)
    {
        if (measure is null)
            return;
        table.AddRow(
            Number(streams), height, Number(measure.TokensPerSecond), share is { } part ? Number(part * 100) + " %" : "",
            Number(measure.ProcessorMicrosecondsPerToken), Number(measure.StepMs), Number(measure.StepShare * 100) + " %",
            Number(measure.AllocatedBytesPerToken), Number(measure.HeapMegabytes),
            Number(measure.ClientMicrosecondsPerToken));
    }

    private static string Number(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);
}
