using System.CommandLine;
using Parley.Cli.Hosting;
using Parley.Cli.Hub;
using Parley.ModelHub.Naming;
using Parley.ModelPackages;
using Spectre.Console;

namespace Parley.Cli.Models;

/// <summary><c>parley pull</c>: a name on the Hub in, its checked files in the Hub's cache out.</summary>
internal static class PullCommand
{
    public static Command Create(IAnsiConsole console)
    {
        var name = new Argument<string>("name") { Description = "org/model, with @revision and, of GGUF files, with :VARIANT." };
        var command = new Command("pull", "Fetch a model from the Hugging Face Hub, or what is new of it.") { name };
        command.SetAction(async (result, _) =>
        {
            using var termination = new Termination();
            using var hub = HubAccess.FromEnvironment();
            var reference = ModelReference.Parse(result.GetRequiredValue(name));
            var model = await ModelProgress.RunAsync(
                console, TimeProvider.System, view => new ModelDownload(hub, view).RunAsync(reference, termination.Token));
            var fetched = model.BytesFetched == 0 ? "nothing was missing" : $"{ByteText.Of(model.BytesFetched)} fetched";
            await Console.Out.WriteLineAsync($"{reference}: {model.Source}\n  commit {model.Commit}, "
                + $"{model.Files.Count} files, {ByteText.Of(model.Files.Sum(file => file.Bytes))}, {fetched}");
            return 0;
        });
        return command;
    }
}
