using System.CommandLine;
using Parley.Cli.Hosting;
using Parley.ModelHub;
using Parley.ModelPackages;
using Spectre.Console;

namespace Parley.Cli.Models;

/// <summary><c>parley login</c>: keeps a token for the Hub. It is never an argument: those are seen by everybody on the machine.</summary>
internal static class LoginCommand
{
    private const int TokenCharactersMax = 4096;

    public static Command Create(IAnsiConsole console)
    {
        var fromInput = new Option<bool>("--token-stdin") { Description = "Read the token from standard input instead of asking for it." };
        var command = new Command("login", "Keep a token for the Hugging Face Hub, where its own tools keep it, too.") { fromInput };
        command.SetAction(async (result, _) =>
        {
            using var termination = new Termination();
            using var hub = HubAccess.FromEnvironment();
            var token = result.GetValue(fromInput) ? await ReadAsync(termination.Token) : await AskAsync(console, termination.Token);
            var account = await HubAccount.LogInAsync(hub.Settings, token, hub.Http, TimeProvider.System, termination.Token);
            await Console.Out.WriteLineAsync($"Logged in to {hub.Settings.Endpoint.Host} as {account}; "
                + $"the token is in {hub.Settings.TokenPath}.");
            if (Environment.GetEnvironmentVariable("HF_TOKEN") is { Length: > 0 })
                await Console.Out.WriteLineAsync("HF_TOKEN is set, and goes before it.");
            return 0;
        });
        return command;
    }

    private static async Task<string> ReadAsync(CancellationToken cancellationToken)
    {
        var line = await Console.In.ReadLineAsync(cancellationToken);
        return line is { Length: <= TokenCharactersMax }
            ? line : throw new UserErrorException("--token-stdin: standard input holds no token in its first line.");
    }

    private static Task<string> AskAsync(IAnsiConsole console, CancellationToken cancellationToken) =>
        console.Profile.Capabilities.Interactive && !Console.IsInputRedirected
            ? console.PromptAsync(new TextPrompt<string>("Token (from the Hub's page 'Access Tokens'):").Secret(null), cancellationToken)
            : throw new UserErrorException("There is no terminal to ask for the token; give it with --token-stdin.");
}
