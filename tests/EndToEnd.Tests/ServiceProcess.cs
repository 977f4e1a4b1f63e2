using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;

namespace Parley.EndToEnd.Tests;

/// <summary>
/// A service's own program as a process, started from a folder that holds none of its files. Beside it lies one appsettings.json of three,
/// so its ports must be right without one.
/// </summary>
internal sealed partial class ServiceProcess : IDisposable
{
    private readonly StringBuilder _output = new();
    private readonly Process _process;
    private bool _isDisposed;

    private ServiceProcess(Process process) => _process = process;

    public int Id => _process.Id;

    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    public static ServiceProcess Start(
        string service, string workingFolder, IReadOnlyDictionary<string, string> environment, params string[] arguments) =>
        Start([Dotnet, PathOf(service)], workingFolder, environment, arguments);

    /// <summary>
    /// Starts a service as systemd does: by a parent of that name, by which .NET knows it, with the socket that waits for its notices. A
    /// signal goes on to the service, whose exit code is the parent's.
    /// </summary>
    public static ServiceProcess StartUnderSystemd(
        string service, string workingFolder, string notifySocket, params string[] arguments)
    {
        const string Parent = """
            "$@" &
            service=$!
            trap 'kill -TERM $service' TERM
            wait $service
            wait $service
            """;
        var systemd = Path.Combine(workingFolder, "systemd");
        File.CreateSymbolicLink(systemd, "/bin/bash");
        return Start([systemd, "-c", Parent, "systemd", Dotnet, PathOf(service)], workingFolder,
            new Dictionary<string, string> { ["NOTIFY_SOCKET"] = notifySocket, ["WATCHDOG_USEC"] = "30000000" }, arguments);
    }

    private static string Dotnet { get; } =
        Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } host ? host : "dotnet";

    private static string PathOf(string service) => Path.Combine(AppContext.BaseDirectory, $"Parley.{service}.dll");

    private static ServiceProcess Start(
        string[] command, string workingFolder, IReadOnlyDictionary<string, string> environment, string[] arguments)
    {
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            WorkingDirectory = workingFolder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add("--Logging:LogLevel:Microsoft.Hosting.Lifetime=Information");
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        var process = new ServiceProcess(Process.Start(start)!);
        process._process.OutputDataReceived += (_, line) => process.Keep(line.Data);
        process._process.ErrorDataReceived += (_, line) => process.Keep(line.Data);
        process._process.BeginOutputReadLine();
        process._process.BeginErrorReadLine();
        return process;
    }

    /// <summary>The first address that it says it listens on.</summary>
    public async Task<Uri> ListeningAsync()
    {
        while (true)
        {
            if (Listening().Match(Output) is { Success: true } match)
                return new Uri(match.Groups[1].Value);
            Assert.False(_process.HasExited, Output);
            await Task.Delay(20);
        }
    }

    /// <summary>Its exit code, with all that it wrote.</summary>
    public async Task<(int Code, string Output)> ExitAsync()
    {
        await _process.WaitForExitAsync();
        return (_process.ExitCode, Output);
    }

    /// <summary>Asks it to stop, as whoever runs services does.</summary>
    public async Task TerminateAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", $"{_process.Id}"]);
        await kill.WaitForExitAsync();
    }

    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }

    private void Keep(string? line)
    {
        lock (_output)
            _output.AppendLine(line);
    }

    [GeneratedRegex(@"Now listening on: (https?://\d\S+)")]
    private static partial Regex Listening();
}
