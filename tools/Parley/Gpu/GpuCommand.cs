using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Parley.Generator.Execution.Cuda;
using Parley.ModelImporter;
using Spectre.Console;

namespace Parley.Cli.Gpu;

/// <summary>
/// <c>parley gpu</c>: does the GPU compute what the CPU does, and how fast; <c>tools/gpu</c> runs it on a machine with one.
/// </summary>
internal static class GpuCommand
{
    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    private static readonly Option<string> Source = new("--model", "-m")
    {
        Description = "A Hugging Face folder; the bundled demo model without it.",
        DefaultValueFactory = _ => Path.Combine(AppContext.BaseDirectory, "models", "demo"),
        HelpName = "FOLDER",
    };

    private static readonly Option<string> Work = new("--work")
    {
        Description = "Where packages are made, once each.",
        DefaultValueFactory = _ => Path.Combine(Path.GetTempPath(), "parley-gpu"),
        HelpName = "FOLDER",
    };

    private static readonly Option<string[]> Precisions = new("--precisions", "-p")
    {
        Description = "Precisions to run.",
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [.. ModelImport.CudaPrecisions],
    };

    private static readonly Option<bool> Rehearsal = new("--rehearsal")
    {
        Description = "Run it all on the CPU: everything but the device.",
    };

    private static readonly Option<int> DeviceId = new("--device-id") { Description = "The GPU." };

    private static readonly Option<string> LibraryPath = new("--library-path")
    {
        Description = "Folders of CUDA's libraries, joined by colons.",
        DefaultValueFactory = _ => "",
    };

    private static readonly Option<string?> Output = new("--json") { Description = "Also write the results as JSON.", HelpName = "FILE" };

    public static Command Create(IAnsiConsole console)
    {
        // A file or a pipe has no width; tables are read there, too.
        console.Profile.Width = Math.Max(console.Profile.Width, 120);
        Precisions.AcceptOnlyFromAmong([.. ModelImport.CudaPrecisions]);
        return new Command("gpu", "Check and measure CUDA: correctness against the CPU, speed.")
        {
            CreateProbe(console), CreateCheck(console), CreateBench(console),
        };
    }

    private static Command CreateProbe(IAnsiConsole console)
    {
        var command = new Command("probe", "Say which GPUs there are, or which libraries or kernels are missing; ends with 1 then.")
        {
            LibraryPath,
        };
        command.SetAction(result =>
        {
            var options = new CudaOptions { LibraryPath = result.GetRequiredValue(LibraryPath) };
            var runtime = CudaServing.RequireLibraries(options);
            var code = CardCode.OfProvider(new NativeLibraryProbe(options.Folders));
            var isServed = true;
            for (var device = 0; device < runtime.DeviceCount; device++)
            {
                runtime.SetDevice(device);
                var (free, total) = runtime.MemoryInfo();
                console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"CUDA {device}: {runtime.DeviceName(device)}, compute capability {runtime.Capability(device)}, "
                    + $"{free >> 20} of {total >> 20} MB free"));
                if (code is null || code.Runs(runtime.Capability(device)))
                    continue;
                isServed = false;
                console.WriteLine($"  NOT SERVED: {code.Fault(runtime.Capability(device))}");
            }

            return isServed ? 0 : 1;
        });
        return command;
    }

    private static Command CreateCheck(IAnsiConsole console)
    {
        var longTokens = new Option<int>("--long") { Description = "Tokens of the long prompt.", DefaultValueFactory = _ => 4096 };
        var attentions = new Option<string[]>("--attention")
        {
            Description = "Attentions of the packages.",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [GpuPackages.Paged],
        };
        attentions.AcceptOnlyFromAmong([.. ModelImport.Attentions]);
        var command = new Command("check", "Compare the device with the CPU: logits, chunks, batches, graphs, long context.")
        {
            longTokens, attentions,
        };
        AddShared(command);
        command.SetAction((result, cancellationToken) =>
        {
            var checks = new GpuCheck(Read(result), result.GetValue(longTokens), result.GetRequiredValue(attentions))
                .Run(result.GetRequiredValue(Precisions), soFar => Write(result, soFar), cancellationToken);
            var table = new Table().AddColumns("precision", "check", "tokens", "relative", "worst", "rounding", "identical", "");
            foreach (var check in checks)
            {
                table.AddRow(
                    check.Precision, Markup.Escape(check.Check), Number(check.Tokens, "0"),
                    Number(check.Relative, "0.0e+0"), Number(check.Worst, "0.0e+0"),
                    Number(check.Tolerance, "0.0e+0"), check.Identical ? "yes" : "no", check.Passed ? "ok" : "FAILED");
            }

            console.Write(table);
            return Task.FromResult(checks.All(check => check.Passed) ? 0 : 1);
        });
        return command;
    }

    private static Command CreateBench(IAnsiConsole console)
    {
        var batches = Numbers("--batches", "Sequences of the decode steps.", [1, 2, 4, 8, 16, 32, 64, 128, 256]);
        var prompts = Numbers("--prompts", "Lengths of the prefill steps.", [128, 512, 2048]);
        var past = new Option<int>("--past") { Description = "Tokens in the cache before a decode step.", DefaultValueFactory = _ => 256 };
        var answer = new Option<int>("--answer") { Description = "Tokens of each answer of the engine.", DefaultValueFactory = _ => 128 };
        var eager = new Option<bool>("--eager") { Description = "Without CUDA graphs." };
        var command = new Command("bench", "Prefill by length, decode by batch, the engine; share of the memory bandwidth.")
        {
            batches, prompts, past, answer, eager,
        };
        AddShared(command);
        command.SetAction((result, cancellationToken) =>
        {
            var bench = new GpuBench(
                Read(result), result.GetRequiredValue(batches), result.GetRequiredValue(prompts), result.GetValue(past),
                result.GetValue(answer), !result.GetValue(eager));
            var results = new List<GpuBenchResult>();
            foreach (var precision in result.GetRequiredValue(Precisions))
            {
                results.Add(bench.Run(precision, soFar => Write(result, results.Append(soFar)), cancellationToken));
                Write(console, results[^1]);
            }

            Write(result, results);
            return Task.FromResult(results.All(one => one.Error is null) ? 0 : 1);
        });
        return command;
    }

    private static void Write(IAnsiConsole console, GpuBenchResult result)
    {
        console.MarkupLineInterpolated(
            $"[grey]{result.Device}; {result.BandwidthGbs:0} GB/s; graphs {(result.Graphs ? "on" : "off")}[/]");
        var table = new Table().AddColumns("precision", "step", "sequences", "tokens", "past", "ms", "tok/s", "bandwidth");
        foreach (var row in result.Steps.Concat(result.Engine))
        {
            var share = row.Kind == "decode"
                ? Number(100 * result.BandwidthShares[row.Sequences.ToString(CultureInfo.InvariantCulture)], "0' %'") : "";
            table.AddRow(
                result.Precision, row.Kind, Number(row.Sequences, "0"), Number(row.Tokens, "0"), Number(row.Context, "0"),
                Number(row.StepMs, "0.###"), Number(row.TokensPerSecond, "0"), share);
        }

        console.Write(table);
        if (result.Error is not null)
            console.MarkupLineInterpolated($"[red]error: {result.Error}[/]");
    }

    private static void AddShared(Command command)
    {
        foreach (var option in new Option[] { Source, Work, Precisions, Rehearsal, DeviceId, LibraryPath, Output })
            command.Options.Add(option);
    }

    private static GpuOptions Read(ParseResult result)
    {
        var source = Path.GetFullPath(result.GetRequiredValue(Source));
        if (!Directory.Exists(source))
            throw new UserErrorException($"--model: the folder {source} does not exist.");
        return new GpuOptions(
            source, Path.GetFullPath(result.GetRequiredValue(Work)), result.GetValue(Rehearsal), result.GetValue(DeviceId),
            result.GetRequiredValue(LibraryPath));
    }

    private static void Write<T>(ParseResult result, T value)
    {
        if (result.GetValue(Output) is { } path)
            File.WriteAllText(path, JsonSerializer.Serialize(value, Json) + "\n");
    }

    private static Option<int[]> Numbers(string name, string description, int[] numbers) => new(name)
    {
        Description = description,
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => numbers,
    };

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
