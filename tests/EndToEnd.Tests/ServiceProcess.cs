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

    private ServiceProcess(Process process) => _process = process;

    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    public static ServiceProcess Start(
        string service, string workingFolder, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } host ? host : "dotnet")
        {
            WorkingDirectory = workingFolder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, $"Parley.{service}.dll"));
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

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }

    private void Keep(string? line)
    {
        lock (_output)
            _output.AppendLine(line);
    }

    [GeneratedRegex(@"Now listening on: (http://\d\S+)")]
    private static partial Regex Listening();
}
