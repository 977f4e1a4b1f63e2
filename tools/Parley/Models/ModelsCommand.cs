using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Parley.Cli.Hosting;
using Parley.Cli.Hub;
using Parley.ModelHub;
using Parley.ModelHub.Protocol;
using Parley.ModelPackages;
using Spectre.Console;

namespace Parley.Cli.Models;

/// <summary><c>parley models</c>: what is on this machine, what goes, and what there is on the Hub.</summary>
internal static class ModelsCommand
{
    private const int DefaultFound = 20;
    private const int FoundMax = 100;

    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    public static Command Create(IAnsiConsole console)
    {
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var command = new Command("models", "List the models on this machine: snapshots of the Hub's cache, imported packages.") { json };
        command.Subcommands.Add(CreateRemove(console));
        command.Subcommands.Add(CreateSearch());
        command.SetAction(result =>
        {
            using var hub = HubAccess.FromEnvironment();
            var models = ModelStore.List(hub.Settings, PackageCache.PackagesFolder);
            if (result.GetValue(json))
                Console.Out.WriteLine(JsonSerializer.Serialize(models, Json));
            else if (models.Count == 0)
                Console.Out.WriteLine("No model is here yet; 'parley pull NAME' fetches one, 'parley models search WORDS' finds names.");
            else
                Write([["name", "kind", "precision", "size", "commit", "source", "last use"], .. models.Select(Row)]);
        });
        return command;
    }

    private static Command CreateRemove(IAnsiConsole console)
    {
        var name = new Argument<string>("name") { Description = "Name of the model; org/model@revision for one revision of it." };
        var yes = new Option<bool>("--yes", "-y") { Description = "Do not ask." };
        var command = new Command("rm", "Take a model's packages and snapshots away; what other revisions share stays.") { name, yes };
        command.SetAction(async (result, _) =>
        {
            using var termination = new Termination();
            using var hub = HubAccess.FromEnvironment();
            var text = result.GetRequiredValue(name);
            var models = ModelStore.Find(ModelStore.List(hub.Settings, PackageCache.PackagesFolder), text);
            if (models.Count == 0)
                throw new UserErrorException($"No model called {text} is here; 'parley models' lists them.");
            Write([.. models.Select(Row)]);
            if (!result.GetValue(yes) && !await AskAsync(console, models, termination.Token))
                return 1;
            await Console.Out.WriteLineAsync($"Gone; {ByteText.Of(ModelStore.Remove(hub.Settings, models))} are free.");
            return 0;
        });
        return command;
    }

    private static Command CreateSearch()
    {
        var words = new Argument<string[]>("words") { Description = "Words of the name.", Arity = ArgumentArity.OneOrMore };
        var count = new Option<int>("--count")
        {
            Description = $"Models to show, up to {FoundMax}.",
            DefaultValueFactory = _ => DefaultFound,
        };
        var command = new Command("search", "Find models on the Hugging Face Hub, the most downloaded first.") { words, count };
        command.SetAction(async (result, _) =>
        {
            using var termination = new Termination();
            using var hub = HubAccess.FromEnvironment();
            if (result.GetValue(count) is < 1 or > FoundMax)
                throw new UserErrorException($"--count is {result.GetValue(count)}; it goes from 1 to {FoundMax}.");
            var found = await HubSearch.RunAsync(
                hub.Settings, string.Join(' ', result.GetRequiredValue(words)), result.GetValue(count), hub.Http, TimeProvider.System,
                termination.Token);
            if (found.Count == 0)
                Console.Out.WriteLine("The Hub knows none.");
            else
                Write([["name", "downloads", "updated", "form"], .. found.Select(Row)]);
            return 0;
        });
        return command;
    }

    private static async Task<bool> AskAsync(IAnsiConsole console, IReadOnlyList<StoredModel> models, CancellationToken cancellationToken)
    {
        if (!console.Profile.Capabilities.Interactive || Console.IsInputRedirected)
            throw new UserErrorException("There is no terminal to ask whether they may go; --yes says so.");
        return await console.PromptAsync(
            new ConfirmationPrompt(models.Count == 1 ? "Take it away?" : $"Take these {models.Count} away?") { DefaultValue = false },
            cancellationToken);
    }

    private static string[] Row(StoredModel model) =>
    [
        model.Name, model.Kind, model.Precision, ByteText.Of(model.Bytes), model.Commit?[..8] ?? "", model.Source,
        model.LastUse.ToLocalTime().ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture),
    ];

    private static string[] Row(HubModel model) =>
    [
        model.Name, model.Downloads.ToString("N0", CultureInfo.InvariantCulture), Day(model.LastModified), model.IsGguf ? "gguf" : "",
    ];

    private static string Day(string time) => time.Length >= 10 ? time[..10] : time;

    /// <summary>Columns of plain text: nothing is cut where the output is a file.</summary>
    private static void Write(IReadOnlyList<string[]> rows)
    {
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length))];
        foreach (var row in rows)
            Console.Out.WriteLine(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
    }
}
