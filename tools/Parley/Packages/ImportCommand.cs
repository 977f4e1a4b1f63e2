using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Parley.Cli.Hosting;
using Parley.Cli.Hub;
using Parley.ModelImporter;
using Parley.ModelPackages;
using Spectre.Console;

namespace Parley.Cli.Packages;

/// <summary><c>parley import</c>: Hugging Face folder in, package folder out.</summary>
internal static class ImportCommand
{
    public static Command Create(IAnsiConsole console)
    {
        var source = new Argument<string>("source")
        {
            Description = "A name on the Hugging Face Hub; or a Hugging Face folder (config.json, tokenizer.json, *.safetensors); or a "
                + ".gguf file, the first of several.",
        };
        var destination = new Argument<string>("destination") { Description = "The package's folder; must not exist." };
        var precision = ModelSelection.CreatePrecision();
        var name = new Option<string?>("--name") { Description = "Served name; without it that on the Hub, or the source folder's." };
        var attention = new Option<string>("--attention")
        {
            Description = "CUDA precisions: the attention operator.",
            DefaultValueFactory = _ => ModelImport.Attentions[0],
        };
        attention.AcceptOnlyFromAmong([.. ModelImport.Attentions]);
        var context = CreateContext();
        var block = CreateBlock();
        var linears = new Option<string>("--linears")
        {
            Description = "Whose operators compute quantised weights: our own, or ONNX Runtime's to compare with.",
            DefaultValueFactory = _ => ModelImport.Linears[0],
        };
        linears.AcceptOnlyFromAmong([.. ModelImport.Linears]);
        var guessable = CreateGuessable();
        var adapters = CreateAdapters();
        var ifMissing = ExistingPackage.CreateOption();
        var rounding = new RoundingSelection();
        var command = new Command("import", "Turn a model into a package.")
        {
            source, destination, precision, attention, name, context, block, linears, guessable, adapters, ifMissing,
        };
        rounding.AddTo(command);
        ImportOptions Options(ParseResult result, ModelSource model)
        {
            var options = new ImportOptions
            {
                Source = model.Path,
                Destination = result.GetRequiredValue(destination),
                Adapters = result.GetValue(adapters) ?? [],
                Precision = result.GetValue(precision)
                    ?? ModelImport.DefaultPrecision(model.Path, result.GetValue(adapters) ?? []),
                Attention = result.GetRequiredValue(attention),
                Name = result.GetValue(name) ?? model.Name,
                BlockMax = result.GetValue(block),
                Linears = result.GetRequiredValue(linears),
                DraftVocabulary = result.GetValue(guessable),
            };
            if (result.GetValue(context) is > 0 and var tokens)
                options = options with { ContextTokensMax = tokens };
            return rounding.Apply(options, result);
        }

        command.SetAction(async (result, _) =>
        {
            if (result.GetValue(ifMissing) && await IsThereAsync(result.GetRequiredValue(destination), result.GetValue(precision)))
                return 0;
            using var termination = new Termination();
            var started = Stopwatch.GetTimestamp();
            var package = await ModelProgress.RunAsync(console, TimeProvider.System, async view =>
            {
                var model = await ModelSource.OpenAsync(view, result.GetRequiredValue(source), termination.Token);
                return await Task.Run(() => ImportRun.WithProgress(view, Options(result, model), termination.Token), termination.Token);
            });
            Report(package, Stopwatch.GetElapsedTime(started));
            return 0;
        });
        return command;
    }

    private static Option<int?> CreateBlock() => new("--block")
    {
        Description = "Largest number of weights per scale: 128, 64 or 32; without it 32 in int8, in int4 as --group.",
    };

    private static Option<int?> CreateGuessable() => new("--draft-vocabulary")
    {
        Description = "Ids that the model's own head for further tokens may guess: the first so many, 32,768 without it.",
        HelpName = "IDS",
    };

    private static Option<string[]> CreateAdapters() => new("--adapter")
    {
        Description = "A LoRA to merge before anything is rounded: peft's folder, or llama.cpp's .gguf. Several are merged in turn.",
        HelpName = "ADAPTER",
    };

    private static Option<int> CreateContext() => new("--context")
    {
        Description = "Positions to serve; the importer's default without it.",
        HelpName = "TOKENS",
    };

    private static async Task<bool> IsThereAsync(string destination, string? precision)
    {
        if (ExistingPackage.Describe(Path.GetFullPath(destination), precision) is not { } there)
            return false;
        await Console.Out.WriteLineAsync(there);
        return true;
    }

    private static void Report(ImportResult package, TimeSpan elapsed) => Console.Out.WriteLine(
        string.Create(CultureInfo.InvariantCulture,
            $"{package.Name}: {package.Parameters / 1e6:0.0} M parameters as {package.Precision}, {package.Bytes / 1e6:0.0} MB,")
        + string.Create(CultureInfo.InvariantCulture, $" in {package.Path} after {elapsed.TotalSeconds:0.0} s"));
}
