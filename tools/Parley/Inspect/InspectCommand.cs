using System.CommandLine;
using Parley.Cli.Chat;
using Parley.Cli.Packages;
using Parley.Gateway.V1;
using Parley.Tokenizer.V1;
using Spectre.Console;

namespace Parley.Cli.Inspect;

/// <summary>
/// <c>parley inspect</c>: the walk-through. For a conversation its rendered template, ids, pieces, the answer's ids and its text;
/// for a model its modules, sizes and files. Without a subcommand both, in the order in which they are taught.
/// </summary>
internal static class InspectCommand
{
    private const string DefaultSystem =
        "You are an intelligent assistant trained to follow user instructions and provide accurate, concise, and helpful responses.";

    private const string DefaultPrompt = "write 3 lines about transfromers in llms";

    public static Command Create(IAnsiConsole console)
    {
        var command = CreateChat(console, "inspect", "Show every stage of an answer, then what the model's folder holds.", alsoModel: true);
        command.Subcommands.Add(CreateChat(
            console, "chat", "Show every stage of an answer: template, ids, pieces, answer ids, text.", alsoModel: false));
        command.Subcommands.Add(CreateModel(console));
        return command;
    }

    private static Command CreateChat(IAnsiConsole console, string name, string description, bool alsoModel)
    {
        var prompt = new Argument<string>("prompt") { Description = "The user's message.", DefaultValueFactory = _ => DefaultPrompt };
        var system = new Option<string>("--system")
        {
            Description = "System message; empty for none.",
            DefaultValueFactory = _ => DefaultSystem,
        };
        var candidates = new Option<uint>("--candidates") { Description = "Show the n best candidates of each step." };
        var gateway = AddressOption.Create("--gateway", "gRPC address of a running Gateway.");
        var key = new ApiKeyOption("Key of the Gateway");
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var model = new ModelSelection();
        var sampling = new SamplingSelection();
        var command = new Command(name, description);
        command.Arguments.Add(prompt);
        command.Options.Add(system);
        command.Options.Add(candidates);
        command.Options.Add(gateway);
        command.Options.Add(key.Option);
        command.Options.Add(json);
        model.AddTo(command);
        sampling.AddTo(command);
        command.SetAction(async (result, cancellationToken) =>
        {
            var request = new CompleteRequest { Chat = new Tokenizer.V1.Chat(), Sampling = sampling.Read(result) };
            if (result.GetValue(system) is { Length: > 0 } systemMessage)
                request.Chat.Messages.Add(new ChatMessage { Role = "system", Content = systemMessage });
            request.Chat.Messages.Add(new ChatMessage { Role = "user", Content = result.GetValue(prompt)! });
            var status = result.GetValue(json) ? Quiet() : console;
            var address = result.GetValue(gateway);
            await using var connection = await GatewayConnection.OpenAsync(
                status, model, result, address, key.Read(result), cancellationToken);
            var reply = await new ChatCompletion.ChatCompletionClient(connection.Invoker).InspectAsync(
                new InspectRequest { Request = request, Candidates = result.GetValue(candidates) }, cancellationToken: cancellationToken);
            var folder = alsoModel ? await model.DescribeAsync(status, null, result, cancellationToken) : null;
            if (result.GetValue(json))
                ChatReport.WriteJson(reply, folder);
            else
                ChatReport.Write(reply, folder);
            return 0;
        });
        return command;
    }

    private static Command CreateModel(IAnsiConsole console)
    {
        var model = new ModelSelection();
        var name = new Argument<string?>("name")
        {
            Description = "Name or path of the model, as --model takes it; of a name no weights are fetched.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var command = new Command("model", "Show a model's modules, sizes, and what each file of its folder decides.") { name };
        command.Options.Add(model.Model);
        command.Options.Add(json);
        command.SetAction(async (result, cancellationToken) =>
        {
            var status = result.GetValue(json) ? Quiet() : console;
            var folder = await model.DescribeAsync(status, result.GetValue(name), result, cancellationToken);
            if (result.GetValue(json))
                ModelReport.WriteJson(folder);
            else
                ModelReport.Write(folder);
        });
        return command;
    }

    /// <summary>Progress goes nowhere when the output is for a program.</summary>
    private static IAnsiConsole Quiet() => AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(TextWriter.Null) });
}
