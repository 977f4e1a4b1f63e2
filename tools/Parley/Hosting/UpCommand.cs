using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;
using Parley.Cli.Hub;
using Parley.Cli.Packages;
using Parley.Embedded.Hosting;
using Parley.Gateway.Ollama;
using Spectre.Console;

namespace Parley.Cli.Hosting;

/// <summary><c>parley up</c>: the whole system on one model, until a signal.</summary>
internal static class UpCommand
{
    public const int DefaultHttpPort = 5080;
    public const int DefaultGrpcPort = 5081;

    public static Command Create(IAnsiConsole console)
    {
        var model = new ModelSelection();
        var reach = new ReachSelection();
        var verbose = new Option<bool>("--verbose", "-v") { Description = "Show what the services log." };
        var command = new Command("up", "Start Tokenizer, Generator and Gateway on one model and print the URL.");
        model.AddTo(command);
        reach.AddTo(command);
        command.Options.Add(verbose);
        var adapter = SelectedAdapters.CreateOption();
        command.Options.Add(adapter);
        command.SetAction(async (result, _) =>
        {
            using var termination = new Termination();
            using var adapters = new SelectedAdapters();
            var reached = reach.Apply(new LocalSystemOptions { PackageDirectory = "" }, result);
            var started = Stopwatch.GetTimestamp();
            var (system, options) = await ModelProgress.RunAsync(console, TimeProvider.System, async view =>
            {
                var package = await SelectedPackage.ResolveAsync(view, model, result, termination.Token);
                var options = reached with
                {
                    PackageDirectory = package,
                    Settings = adapters.AddTo(reached.Settings, view, package, result.GetValue(adapter) ?? [], termination.Token),
                    Threads = result.GetValue(model.Threads),
                    LogLevelMin = result.GetValue(verbose) ? LogLevel.Information : LogLevel.Warning,
                    AddServices = services => services.AddSingleton<IModelPull>(new HubModelPull(Environment.GetEnvironmentVariable)),
                };
                return (await StartAsync(view, options, termination.Token), options);
            });
            await using var running = system;
            await PrintAsync(console, system, options, Stopwatch.GetElapsedTime(started), termination.Token);
            // A unit of Type=notify; elsewhere there is nobody to tell.
            var systemd = new SystemdNotifier();
            systemd.Notify(ServiceState.Ready);
            await WaitAsync(termination.Token);
            systemd.Notify(ServiceState.Stopping);
            console.MarkupLine("[grey]Stopping: no new requests, running answers are finished…[/]");
            return 0;
        });
        return command;
    }

    /// <summary>Starts the system with a sign of life while the model loads.</summary>
    public static Task<LocalSystem> StartAsync(ModelProgress view, LocalSystemOptions options, CancellationToken cancellationToken)
    {
        view.Wait("load", "Loading the model and warming up…");
        return LocalSystem.StartAsync(options, cancellationToken);
    }

    private static async Task PrintAsync(
        IAnsiConsole console, LocalSystem system, LocalSystemOptions options, TimeSpan elapsed, CancellationToken cancellationToken)
    {
        var model = await ServedModel.DescribeAsync(system.Generator, cancellationToken);
        console.MarkupLine(string.Create(CultureInfo.InvariantCulture, $"[green]Parley is ready[/] after {elapsed.TotalSeconds:0.0} s:"));
        var metrics = system.Metrics is { } page ? $"\n  metrics  {page.AbsoluteUri}" : "";
        // Plain lines: nothing is cut or wrapped where the output is a file or a narrow terminal.
        await Console.Out.WriteLineAsync($"""
              page     {system.Http.AbsoluteUri}
              OpenAI   {system.Http.AbsoluteUri}v1
              gRPC     {system.Grpc.Authority}   (grpcurl -plaintext {system.Grpc.Authority} list)
              listens  {ListenReport.Addresses(options.Addresses, system.Http.Port)}
              key      {ListenReport.Key(system.NeedsKey, options.Addresses)}
              model    {model}
              package  {options.PackageDirectory}
              inside   Tokenizer {system.Tokenizer.Authority}, Generator {system.Generator.Authority}{metrics}
            Ctrl-C stops.
            """);
    }

    private static async Task WaitAsync(CancellationToken cancellationToken)
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = cancellationToken.Register(stopped.SetResult);
        await stopped.Task;
    }
}
