using System.CommandLine;
using Parley.Cli;
using Parley.Cli.Bench;
using Parley.Cli.Chat;
using Parley.Cli.Doctor;
using Parley.Cli.Evaluation;
using Parley.Cli.Gpu;
using Parley.Cli.Hosting;
using Parley.Cli.Inspect;
using Parley.Cli.Keys;
using Parley.Cli.Models;
using Parley.Cli.Packages;
using Parley.Cli.Sizing;
using Spectre.Console;

var console = AnsiConsole.Console;
var root = new RootCommand("Parley: a self-hosted chat service. Start with 'parley up'.")
{
    UpCommand.Create(console),
    ChatCommand.Create(console),
    PullCommand.Create(console),
    ModelsCommand.Create(console),
    LoginCommand.Create(console),
    LogoutCommand.Create(),
    KeyCommand.Create(),
    InspectCommand.Create(console),
    ImportCommand.Create(console),
    AdapterCommand.Create(),
    SynthCommand.Create(console),
    EvalCommand.Create(console, SelectedPackage.ResolveAsync),
    BenchCommand.Create(console),
    GpuCommand.Create(console),
    PlanCommand.Create(console),
    DoctorCommand.Create(),
};

// Signals are the commands' own affair (Termination): an answer is stopped before a program is.
var configuration = new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false };
try
{
    return await root.Parse(args).InvokeAsync(configuration);
}
catch (OperationCanceledException)
{
    return 130;
}
catch (Exception exception) when (ErrorReport.For(exception) is { } message)
{
    await Console.Error.WriteLineAsync($"error: {message}");
    return 1;
}
