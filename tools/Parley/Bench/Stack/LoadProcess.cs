using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Parley.Cli.Bench.Serve;

namespace Parley.Cli.Bench.Stack;

/// <summary><c>parley bench serve</c> as a process of its own, so that its processor time is not the services'.</summary>
internal static class LoadProcess
{
    /// <summary>Runs one level.</summary>
    /// <exception cref="UserErrorException">It failed; the message is what it wrote.</exception>
    public static async Task<LevelResult> RunAsync(Uri url, int streams, StackOptions options, CancellationToken cancellationToken)
    {
        var program = Environment.ProcessPath!;
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (Path.GetFileNameWithoutExtension(program) == "dotnet")
            start.ArgumentList.Add(Environment.GetCommandLineArgs()[0]);
        foreach (var argument in Arguments(url, streams, options))
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var errors = process.StandardError.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            if (process.ExitCode != 0)
                throw new UserErrorException($"The load generator failed: {await errors}");
            using var report = JsonDocument.Parse(await output);
            return report.RootElement.GetProperty("levels")[0].Deserialize<LevelResult>(ServeReport.Json)!;
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }
    }

    private static string[] Arguments(Uri url, int streams, StackOptions options) =>
    [
        "bench", "serve", "--json", "--url", url.AbsoluteUri, "--protocol", options.Protocol,
        "--streams", Text(streams), "--requests", Text(options.Requests), "--warm-up", "1",
        "--prompt-words", Text(options.PromptWords), "--max-tokens", Text(options.AnswerTokens),
        "--temperature", options.Temperature.ToString(CultureInfo.InvariantCulture),
        "--seed", Text(Environment.TickCount & 0xFFFF), "--server-pid", Text(Environment.ProcessId),
    ];

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
