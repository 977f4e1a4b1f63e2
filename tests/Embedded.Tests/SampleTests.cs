using System.Diagnostics;

namespace Parley.Embedded.Tests;

/// <summary>The sample as a program of its own, in surroundings that are full of settings for somebody else.</summary>
[Collection(DemoCollection.Name)]
public sealed class SampleTests(DemoModel demo)
{
    /// <summary>Each would change, or end, a service that is a program: some are good settings of services, some are none.</summary>
    private static readonly Dictionary<string, string> Foreign = new()
    {
        ["ASPNETCORE_URLS"] = "http://127.0.0.1:1",
        ["DOTNET_URLS"] = "http://127.0.0.1:1",
        ["ASPNETCORE_HTTP_PORTS"] = "1",
        ["Kestrel__Endpoints__Http__Url"] = "http://127.0.0.1:1",
        ["Generator__StepTokensMax"] = "many",
        ["Gateway__NoSuchSetting"] = "1",
        ["Gateway__ApiKey"] = "a-key-that-nobody-sends",
        ["PARLEY_API_KEY"] = "a-key-that-nobody-sends",
        ["Parley__ShutdownSeconds"] = "never",
        ["Telemetry__MetricsPort"] = "1",
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "no address",
        ["OTEL_TRACES_EXPORTER"] = "zipkin",
        ["HTTP_PROXY"] = "http://127.0.0.1:1",
        ["http_proxy"] = "http://127.0.0.1:1",
        ["ALL_PROXY"] = "http://127.0.0.1:1",
    };

    [Fact]
    public async Task Sample_AskedTwice_AnswersAndEnds()
    {
        var (exitCode, output, errors) = await RunAsync(demo.Package, "hello\nwhat is a token?\n");

        Assert.True(exitCode == 0, errors);
        // The model's own settings draw by chance: two answers, whatever they say.
        Assert.Matches(@"(?s)^> \S.*\n> \S", output);
        Assert.Contains("Loading the model", errors);
    }

    [Fact]
    public async Task Sample_OfNoModel_SaysSoAndEnds()
    {
        var (exitCode, _, errors) = await RunAsync("/nowhere/at/all", "");

        Assert.Equal((1, "error: /nowhere/at/all does not exist."), (exitCode, errors.Trim()));
    }

    private static async Task<(int ExitCode, string Output, string Errors)> RunAsync(string model, string input)
    {
        var build = new DirectoryInfo(AppContext.BaseDirectory);
        var program = Path.Combine(build.Parent!.Parent!.FullName, "EmbeddedChat", build.Name, "Parley.EmbeddedChat.dll");
        var host = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } path ? path : "dotnet";
        var start = new ProcessStartInfo(host, [program, model])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in Foreign)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await errors);
    }
}
