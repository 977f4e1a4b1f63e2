using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.AI;
using Parley.Client;
using Parley.TestSupport;

namespace Parley.EndToEnd.Tests.Publishing;

/// <summary>The command line as one file: it needs no .NET and nothing beside it.</summary>
public sealed class SingleFileTests : IDisposable
{
    private const string Question = "what is a token?";

    private readonly string _folder = Directory.CreateTempSubdirectory("parley-single-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>The bundled demo model, since that and ONNX Runtime are what does not come as an assembly.</summary>
    [SlowFact]
    public async Task File_AloneInItsFolder_ServesTheDemoModelAndEndsInOrder()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/bin/bash"), "The script needs bash, and what is run is for Linux.");
        var publish = await CommandRun.RunAsync(
            "/bin/bash", [Path.Combine(Shared.RepositoryRoot, "deploy", "single-files.sh"), Path.Combine(_folder, "out"), "linux-x64"]);
        Assert.True(publish.ExitCode == 0, publish.Text);
        var program = Path.Combine(Directory.CreateDirectory(Path.Combine(_folder, "alone")).FullName, "parley");
        File.Move(Path.Combine(_folder, "out", "linux-x64", "parley"), program);
        var environment = new Dictionary<string, string>
        {
            ["DOTNET_BUNDLE_EXTRACT_BASE_DIR"] = Path.Combine(_folder, "unpacked"),
            ["XDG_CACHE_HOME"] = Path.Combine(_folder, "cache"),
            ["DOTNET_ROOT"] = "/nowhere",
        };

        using var process = CommandRun.Start(program, ["up", "--http-port", "0", "--grpc-port", "0"], environment, out var lines);
        try
        {
            using var client = new ParleyChatClient($"http://{AddressIn(lines)}");
            Assert.Contains("token", (await client.GetResponseAsync(Question)).Text, StringComparison.OrdinalIgnoreCase);
            using var stop = Process.Start("/bin/kill", ["-TERM", $"{process.Id}"]);
            await process.WaitForExitAsync();
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }

        Assert.Equal(0, process.ExitCode);
        Assert.Equal([program], Directory.GetFileSystemEntries(Path.GetDirectoryName(program)!));
    }

    private static string AddressIn(BlockingCollection<string> lines)
    {
        var seen = new List<string>();
        foreach (var line in lines.GetConsumingEnumerable())
        {
            seen.Add(line);
            if (line.TrimStart().StartsWith("gRPC ", StringComparison.Ordinal))
                return line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
        }

        throw new InvalidOperationException(string.Join('\n', seen));
    }
}
