using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Parley.TestSupport;

namespace Parley.Gateway.Tests.Doubles;

/// <summary>
/// A client library of npm's, run by node in a script that prints what it saw as one JSON object. It is fetched once, at its exact version
/// and without scripts of its own, into the machine's temporary folder; where node, npm or the registry is missing the test skips.
/// </summary>
internal static class NodeClient
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    /// <param name="package">Name and version, e.g. <c>ollama@0.6.4</c>.</param>
    /// <param name="script">Of this test project, by its path in it.</param>
    /// <param name="address">The script's argument.</param>
    public static async Task<JsonElement> RunAsync(string package, string script, Uri address)
    {
        Assert.SkipUnless(Find("node") is not null && Find("npm") is not null, "node and npm are not on the path.");
        var folder = await InstallAsync(package);
        var copy = Path.Combine(folder, $"{Path.GetFileNameWithoutExtension(script)}-{Guid.NewGuid():n}.mjs");
        File.Copy(Path.Combine(Shared.RepositoryRoot, "tests", "Gateway.Tests", script), copy);
        try
        {
            var (code, output, errors) = await StartAsync("node", folder, copy, address.AbsoluteUri.TrimEnd('/'));
            Assert.True(code == 0, output + errors);
            return JsonDocument.Parse(output).RootElement;
        }
        finally
        {
            File.Delete(copy);
        }
    }

    private static async Task<string> InstallAsync(string package)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(package)).AsSpan(0, 8));
        var folder = Path.Combine(Path.GetTempPath(), $"parley-npm-{hash}");
        if (Directory.Exists(folder))
            return folder;
        var fresh = Directory.CreateTempSubdirectory("parley-npm-").FullName;
        await File.WriteAllTextAsync(Path.Combine(fresh, "package.json"), "{\"private\":true,\"type\":\"module\"}");
        var (code, _, errors) = await StartAsync(
            "npm", fresh, "install", package, "--save-exact", "--ignore-scripts", "--no-audit", "--no-fund");
        Assert.SkipUnless(code == 0, $"npm has not fetched {package}: {errors}");
        try
        {
            Directory.Move(fresh, folder);
        }
        catch (IOException) when (Directory.Exists(folder))
        {
            Directory.Delete(fresh, recursive: true);
        }

        return folder;
    }

    private static async Task<(int Code, string Output, string Errors)> StartAsync(string program, string folder, params string[] arguments)
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
