using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;

namespace Parley.TestSupport;

/// <summary>
/// Packages of npm's, run by node in a script that prints what it saw as one JSON object. Those of <c>Npm</c> beside this file are fetched
/// once, each file with the checksum of the lock file and without scripts of its own, into the machine's temporary folder; where
/// node, npm or the registry is missing the test skips.
/// </summary>
public static class NodeClient
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    private static readonly ConcurrentDictionary<string, Lazy<Task<(string Folder, string? Fault)>>> Installed = new();

    private static string Tests => Path.Combine(Shared.RepositoryRoot, "tests");

    /// <summary>Runs a script with the client libraries.</summary>
    /// <param name="script">By its path in the folder of tests.</param>
    /// <param name="arguments">The script's.</param>
    public static async Task<JsonElement> RunAsync(string script, params string[] arguments) =>
        await RunInAsync(await FolderAsync(), script, arguments);

    /// <summary>Runs a script with the linter.</summary>
    public static async Task<JsonElement> LintAsync(string script, params string[] arguments) =>
        await RunInAsync(await FolderAsync("Linter"), script, arguments);

    private static async Task<JsonElement> RunInAsync(string folder, string script, string[] arguments)
    {
        var copy = Path.Combine(folder, $"{Path.GetFileNameWithoutExtension(script)}-{Guid.NewGuid():n}.mjs");
        File.Copy(Path.Combine(Tests, script), copy);
        try
        {
            var (code, output, errors) = await StartAsync("node", folder, [copy, .. arguments]);
            Assert.True(code == 0, output + errors);
            return JsonDocument.Parse(output).RootElement;
        }
        finally
        {
            File.Delete(copy);
        }
    }

    /// <summary>The folder with the libraries in <c>node_modules</c>; skips the running test where they are not to be had.</summary>
    public static async Task<string> FolderAsync(string packages = "Clients")
    {
        Assert.SkipUnless(Find("node") is not null && Find("npm") is not null, "node and npm are not on the path.");
        var (folder, fault) = await Installed.GetOrAdd(packages, name => new(() => InstallAsync(name))).Value;
        Assert.SkipUnless(fault is null, $"npm has not fetched its {packages}: {fault}");
        return folder;
    }

    /// <summary>An address as a base URL in a script.</summary>
    public static string Base(this Uri address) => address.AbsoluteUri.TrimEnd('/');

    /// <summary>Compares what a script saw, member by member.</summary>
    public static void AssertSeen(JsonElement seen, params (string Name, string Json)[] expected) => Assert.Equal(
        expected.Select(one => $"{one.Name}: {one.Json}").Order(StringComparer.Ordinal),
        seen.EnumerateObject().Select(one => $"{one.Name}: {one.Value.GetRawText()}").Order(StringComparer.Ordinal));

    private static async Task<(string Folder, string? Fault)> InstallAsync(string packages)
    {
        var sources = new[] { "package.json", "package-lock.json" }
            .Select(name => Path.Combine(Tests, "TestSupport", "Npm", packages, name)).ToList();
        var hash = Convert.ToHexStringLower(SHA256.HashData(sources.SelectMany(File.ReadAllBytes).ToArray()).AsSpan(0, 8));
        var folder = Path.Combine(Path.GetTempPath(), $"parley-npm-{hash}");
        if (Directory.Exists(folder))
            return (folder, null);
        var fresh = Directory.CreateTempSubdirectory("parley-npm-").FullName;
        foreach (var source in sources)
            File.Copy(source, Path.Combine(fresh, Path.GetFileName(source)));
        var (code, _, errors) = await StartAsync("npm", fresh, ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        if (code != 0)
        {
            Directory.Delete(fresh, recursive: true);
            return (folder, errors);
        }

        try
        {
            Directory.Move(fresh, folder);
        }
        catch (IOException) when (Directory.Exists(folder))
        {
            Directory.Delete(fresh, recursive: true);
        }

        return (folder, null);
    }

    private static async Task<(int Code, string Output, string Errors)> StartAsync(string program, string folder, string[] arguments)
    {
        var start = new ProcessStartInfo(Find(program)!, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // A proxy of the machine is not for loopback.
        start.Environment["NO_PROXY"] = "127.0.0.1";
        using var process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(Patience);
        try
        {
            var errors = process.StandardError.ReadToEndAsync(limit.Token);
            var output = await process.StandardOutput.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, output, await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    private static string? Find(string program) => Environment.GetEnvironmentVariable("PATH")?.Split(Path.PathSeparator)
        .Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? program + (program == "npm" ? ".cmd" : ".exe") : program))
        .FirstOrDefault(File.Exists);
}
