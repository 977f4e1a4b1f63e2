using System.Diagnostics;
using System.Globalization;

namespace Parley.Benchmarks;

/// <summary>
/// <c>hub serve FOLDER [PORT] [MB/s]</c>: a Hub with that folder as org/model. <c>hub measure MB [HF [PARLEY]]</c>: pulls of random bytes
/// from such a one, into empty caches: ours at 200 MB/s, and by turns with the Hub's own client as fast as it goes. Two rates: of the whole
/// process, and from its first request on.
/// </summary>
internal static class HubTable
{
    private const double ThrottledBytesPerSecond = 200e6;
    private const int Rounds = 3;

    public static async Task PrintAsync(string[] args)
    {
        switch (args)
        {
            case ["serve", var folder, .. var rest]:
                var rate = rest.Length > 1 ? double.Parse(rest[1], CultureInfo.InvariantCulture) * 1e6 : double.PositiveInfinity;
                await using (var served = await HubServer.StartAsync(
                    folder, rest.Length > 0 ? int.Parse(rest[0], CultureInfo.InvariantCulture) : 0, rate))
                {
                    Console.WriteLine($"HF_ENDPOINT={served.Endpoint} serves {HubServer.Repository}; the end of the input ends it.");
                    await Console.In.ReadToEndAsync();
                }

                return;
            case ["measure", var megabytes, .. var programs]:
                await MeasureAsync(
                    int.Parse(megabytes, CultureInfo.InvariantCulture), programs.ElementAtOrDefault(0), programs.ElementAtOrDefault(1));
                return;
            default:
                Console.WriteLine("hub serve FOLDER [PORT] [MB/s] | hub measure MB [path of hf [path of parley.dll]]");
                return;
        }
    }

    private static async Task MeasureAsync(int megabytes, string? client, string? program)
    {
        var root = Directory.CreateTempSubdirectory("parley-hub-bench-").FullName;
        try
        {
            var folder = Path.Combine(root, "repository");
            Directory.CreateDirectory(folder);
            foreach (var name in new[] { "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json" })
                File.Copy(Path.Combine(Material.Root, "models", "demo", name), Path.Combine(folder, name));
            WriteRandom(Path.Combine(folder, "model.safetensors"), megabytes * 1_000_000L);
            var bytes = Directory.GetFiles(folder).Sum(path => new FileInfo(path).Length);
            await using (var slow = await HubServer.StartAsync(folder, 0, ThrottledBytesPerSecond))
            {
                for (var round = 0; round < Rounds; round++)
                    await RunAsync($"parley pull, {ThrottledBytesPerSecond / 1e6:0} MB/s", bytes, root, slow, Ours(program));
            }

            await using var fast = await HubServer.StartAsync(folder, 0, double.PositiveInfinity);
            for (var round = 0; round < Rounds; round++)
            {
                await RunAsync("parley pull", bytes, root, fast, Ours(program));
                if (client is not (null or "-"))
                    await RunAsync("hf download", bytes, root, fast, [client, "download", HubServer.Repository]);
            }
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static string[] Ours(string? program) =>
    [
        "dotnet", program ?? Path.Combine(Material.Root, "artifacts", "bin", "Parley", "release", "parley.dll"), "pull",
        HubServer.Repository,
    ];

    private static async Task RunAsync(string name, long bytes, string root, HubServer server, string[] command)
    {
        var home = Path.Combine(root, "home");
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (variable, value) in new[]
        {
            ("HF_ENDPOINT", server.Endpoint), ("HF_HOME", home), ("XDG_CACHE_HOME", Path.Combine(home, "cache")),
            ("HF_HUB_DISABLE_XET", "1"),
        })
            start.Environment[variable] = value;
        server.Forget();
        var started = Stopwatch.GetTimestamp();
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var asked = Stopwatch.GetElapsedTime(server.FirstRequestTimestamp).TotalSeconds;
        if (process.ExitCode != 0)
            throw new InvalidOperationException(await output + await error);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {name,-24} | {seconds,6:0.00} s | {bytes / seconds / 1e6,6:0} MB/s | {bytes / asked / 1e6,6:0} MB/s | load {Load()} |"));
        Directory.Delete(home, recursive: true);
    }

    private static string Load() => File.Exists("/proc/loadavg") ? File.ReadAllText("/proc/loadavg").Split(' ')[0] : "unknown";

    private static void WriteRandom(string path, long bytes)
    {
        var (random, buffer) = (new Random(1), new byte[1 << 20]);
        using var file = File.Create(path);
        for (var left = bytes; left > 0; left -= buffer.Length)
        {
            random.NextBytes(buffer);
            file.Write(buffer.AsSpan(0, (int)Math.Min(buffer.Length, left)));
        }
    }
}
