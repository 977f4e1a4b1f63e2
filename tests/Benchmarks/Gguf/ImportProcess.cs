using System.Diagnostics;
using System.Globalization;

namespace Parley.Benchmarks.Gguf;

/// <summary>A <c>parley import</c> as a process of its own, watched while it runs.</summary>
/// <param name="Seconds">From its start to its end.</param>
/// <param name="ProcessorSeconds">Time of all its threads, as last seen.</param>
/// <param name="AnonymousBytes">The most memory that is no file's, as far as was seen; 0 where the system does not say it.</param>
/// <param name="Output">What it said on standard output.</param>
/// <param name="Refusal">What it said where it imported nothing; else null.</param>
internal sealed record ImportProcess(double Seconds, double ProcessorSeconds, long AnonymousBytes, string Output, string? Refusal)
{
    private static readonly TimeSpan Watch = TimeSpan.FromMilliseconds(10);

    public static async Task<ImportProcess> RunAsync(params string[] arguments)
    {
        var program = Path.Combine(Material.Root, "artifacts", "bin", "Parley", "release", "parley.dll");
        var start = new ProcessStartInfo("dotnet", [program, "import", .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var started = Stopwatch.GetTimestamp();
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        var end = process.WaitForExitAsync();
        var (anonymous, processor) = (0L, 0.0);
        while (await Task.WhenAny(end, Task.Delay(Watch)) != end)
        {
            anonymous = Math.Max(anonymous, Anonymous(process.Id));
            try
            {
                processor = process.TotalProcessorTime.TotalSeconds;
            }
            catch (InvalidOperationException)
            {
                // It has just ended.
            }
        }

        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        return new ImportProcess(
            seconds, processor, anonymous, await output, process.ExitCode == 0 ? null : (await error).Trim());
    }

    private static long Anonymous(int id)
    {
        const string Field = "RssAnon:";
        try
        {
            var line = File.ReadLines($"/proc/{id}/status").FirstOrDefault(line => line.StartsWith(Field, StringComparison.Ordinal));
            return line is null
                ? 0
                : long.Parse(line[Field.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) << 10;
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
