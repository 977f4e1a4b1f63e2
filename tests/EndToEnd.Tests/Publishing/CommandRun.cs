using System.Collections.Concurrent;
using System.Diagnostics;

namespace Parley.EndToEnd.Tests.Publishing;

/// <summary>How a program ended.</summary>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">Both its outputs, line by line as they came.</param>
internal sealed record CommandRun(int ExitCode, IReadOnlyList<string> Output)
{
    /// <summary>A hang ends the test; nothing is asserted about speed.</summary>
    private static readonly TimeSpan HangTime = TimeSpan.FromMinutes(15);

    public string Text => string.Join('\n', Output);

    /// <summary>Runs a program to its end.</summary>
    public static async Task<CommandRun> RunAsync(
        string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        using var process = Start(program, arguments, environment, out var lines);
        using var hang = new CancellationTokenSource(HangTime);
        try
        {
            await process.WaitForExitAsync(hang.Token);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }

        return new CommandRun(process.ExitCode, [.. lines.GetConsumingEnumerable()]);
    }

    /// <summary>Starts a program whose lines can be waited for; the caller ends it.</summary>
    public static Process Start(
        string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment,
        out BlockingCollection<string> lines)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        var output = lines = [];
        var open = 2;
        void Take(string? line)
        {
            if (line is not null)
                output.Add(line);
            else if (Interlocked.Decrement(ref open) == 0)
                output.CompleteAdding();
        }

        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => Take(line.Data);
        process.ErrorDataReceived += (_, line) => Take(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }
}
