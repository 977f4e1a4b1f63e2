using System.Diagnostics;
using System.Threading.Channels;

namespace Parley.Cli.Tests.Doubles;

/// <summary>The command line as a process of its own, with what it writes.</summary>
internal sealed class ParleyRun : IAsyncDisposable
{
    private const int LinesMax = 10_000;

    /// <summary>A hang ends the test; nothing is asserted about speed.</summary>
    private static readonly TimeSpan HangTime = TimeSpan.FromMinutes(5);

    private readonly Process _process;
    private readonly Channel<string> _lines = Channel.CreateBounded<string>(LinesMax);
    private readonly List<string> _seen = [];
    private readonly List<string> _output = [];
    private readonly CancellationTokenSource _hang = new(HangTime);
    private int _open = 2;

    private ParleyRun(Process process) => _process = process;

    public int Id => _process.Id;

    public int ExitCode => _process.ExitCode;

    /// <summary>Everything that was read so far, of both outputs.</summary>
    public string Text => string.Join('\n', _seen);

    /// <summary>Standard output alone; to be read after the end.</summary>
    public string Output => string.Join('\n', _output);

    public static ParleyRun Start(IReadOnlyDictionary<string, string?> environment, string? input, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "parley.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        foreach (var (name, value) in environment)
        {
            if (value is null)
                start.Environment.Remove(name);
            else
                start.Environment[name] = value;
        }

        var run = new ParleyRun(new Process { StartInfo = start });
        run._process.OutputDataReceived += (_, line) =>
        {
            run._output.Add(line.Data ?? "");
            run.Take(line.Data);
        };
        run._process.ErrorDataReceived += (_, line) => run.Take(line.Data);
        run._process.Start();
        run._process.BeginOutputReadLine();
        run._process.BeginErrorReadLine();
        run._process.StandardInput.Write(input);
        run._process.StandardInput.Close();
        return run;
    }

    /// <summary>Reads until a line holds a text.</summary>
    public async Task<string> LineAsync(string text)
    {
        await foreach (var line in _lines.Reader.ReadAllAsync(_hang.Token))
        {
            _seen.Add(line);
            if (line.Contains(text, StringComparison.Ordinal))
                return line;
        }

        throw new InvalidOperationException($"No line holds '{text}':\n{Text}");
    }

    /// <summary>Reads to the end.</summary>
    public async Task<int> EndAsync()
    {
        await foreach (var line in _lines.Reader.ReadAllAsync(_hang.Token))
            _seen.Add(line);
        await _process.WaitForExitAsync(_hang.Token);
        return _process.ExitCode;
    }

    /// <summary>Asks the program to stop, as Ctrl-C does.</summary>
    public async Task InterruptAsync()
    {
        // SIGTERM and SIGINT are one to the program; but a run that was started in the background ignores the latter.
        using var kill = Process.Start("kill", ["-TERM", $"{_process.Id}"]);
        await kill.WaitForExitAsync(_hang.Token);
    }

    public ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
        _hang.Dispose();
        return ValueTask.CompletedTask;
    }

    private void Take(string? line)
    {
        if (line is not null)
            _lines.Writer.TryWrite(line);
        else if (Interlocked.Decrement(ref _open) == 0)
            _lines.Writer.Complete();
    }
}
