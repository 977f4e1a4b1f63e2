using System.CommandLine;
using Parley.Cli.Hosting;
using Parley.Cli.Packages;
using Parley.Gateway.V1;
using Spectre.Console;

namespace Parley.Cli.Chat;

/// <summary><c>parley chat</c>: a chat in the terminal, on a running Parley or on one of its own.</summary>
internal static class ChatCommand
{
    public static Command Create(IAnsiConsole console)
    {
        var model = new ModelSelection();
        var gateway = AddressOption.Create(
            "--gateway", $"gRPC address of a running Gateway; without it and --model, port {UpCommand.DefaultGrpcPort} is tried.");
        var key = new ApiKeyOption("Key of the Gateway");
        var system = new Option<string?>("--system") { Description = "System message." };
        var sampling = new SamplingSelection();
        var command = new Command("chat", "Chat in the terminal; Ctrl-C stops the answer, not the program.");
        model.AddTo(command);
        command.Options.Add(gateway);
        command.Options.Add(key.Option);
        command.Options.Add(system);
        sampling.AddTo(command);
        command.SetAction(async (result, _) =>
        {
            using var termination = new Termination();
            var address = result.GetValue(gateway);
            await using var connection = await GatewayConnection.OpenAsync(
                console, model, result, address, key.Read(result), termination.Token);
            using var handler = new SocketsHttpHandler();
            var served = await ServedSampling.ReadAsync(connection.Address, connection.Key, handler, termination.Token);
            var (applied, words) = ServedSampling.Apply(sampling.Read(result), served);
            if (words is not null)
                console.MarkupLine($"[grey]{Markup.Escape(words)}[/]");
            var client = new ChatCompletion.ChatCompletionClient(connection.Invoker);
            var session = new ChatSession(console, client, termination, result.GetValue(system), applied);
            return await session.RunAsync();
        });
        return command;
    }
}
