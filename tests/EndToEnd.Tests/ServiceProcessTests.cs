using System.Net;
using Grpc.Health.V1;
using Parley.ServiceDefaults;

namespace Parley.EndToEnd.Tests;

/// <summary>The three services as programs of their own, started from somewhere else.</summary>
[Collection(DemoCollection.Name)]
public sealed class ServiceProcessTests(DemoSystem system) : IDisposable
{
    private static readonly Dictionary<string, string> NoVariables = [];
    private readonly string _folder = Directory.CreateTempSubdirectory("parley-elsewhere-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("Tokenizer", true)]
    [InlineData("Generator", true)]
    [InlineData("Gateway", false)]
    public async Task Start_FromAnotherFolder_SpeaksHttp2OnItsGrpcPort(string service, bool hasPackage)
    {
        List<string> ports = ["--Kestrel:Endpoints:Grpc:Url=http://127.0.0.1:0"];
        if (service == "Gateway")
            ports.Add("--Kestrel:Endpoints:Http:Url=http://unix:" + Path.Combine(_folder, "http.sock"));
        string[] settings = hasPackage
            ? [$"--{service}:PackageDirectory={system.Package}"]
            : [$"--Gateway:TokenizerAddress={system.Http}", $"--Gateway:GeneratorAddress={system.Http}"];
        using var process = ServiceProcess.Start(service, _folder, NoVariables, [.. ports, .. settings]);
        var address = await process.ListeningAsync();

        using var channel = GrpcClientDefaults.CreateChannel(address);
        var live = await new Health.HealthClient(channel).CheckAsync(new HealthCheckRequest { Service = "liveness" });
        using var http = new HttpClient
        {
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };

        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, live.Status);
        Assert.Equal("""{"status":"live"}""", await http.GetStringAsync(new Uri(address, "/health/live")));
    }

    [Fact]
    public async Task Start_UrlsInsteadOfEndpoints_StillSpeaksHttp2()
    {
        var variables = new Dictionary<string, string> { ["ASPNETCORE_URLS"] = "http://127.0.0.1:0" };
        using var process = ServiceProcess.Start("Tokenizer", _folder, variables, $"--Tokenizer:PackageDirectory={system.Package}");

        using var channel = GrpcClientDefaults.CreateChannel(await process.ListeningAsync());
        var health = await new Health.HealthClient(channel).CheckAsync(new HealthCheckRequest());

        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, health.Status);
    }

    [Theory]
    [InlineData("--host", "0.0.0.0", null, null)]
    [InlineData("--host=::", null, null, null)]
    [InlineData("--Kestrel:Endpoints:Grpc:Url=http://*:0", null, null, null)]
    [InlineData("--urls", "http://0.0.0.0:0", null, null)]
    [InlineData(null, null, "ASPNETCORE_URLS", "http://+:0")]
    [InlineData(null, null, "Kestrel__Endpoints__Other__Url", "http://0.0.0.0:0")]
    public async Task Gateway_BeyondThisMachineWithoutAKey_DoesNotStart(string? first, string? second, string? variable, string? value)
    {
        var variables = variable is null ? NoVariables : new() { [variable] = value! };
        string[] ports = ["--Kestrel:Endpoints:Http:Url=http://127.0.0.1:0", "--Kestrel:Endpoints:Grpc:Url=http://127.0.0.1:0"];
        string[] given = [.. new[] { first, second }.OfType<string>()];
        string[] arguments = variable == "ASPNETCORE_URLS" || first == "--urls" ? given : [.. ports, .. given];
        using var process = ServiceProcess.Start("Gateway", _folder, variables,
            [.. arguments, $"--Gateway:TokenizerAddress={system.Http}", $"--Gateway:GeneratorAddress={system.Http}"]);

        var (code, output) = await process.ExitAsync();

        Assert.Equal(1, code);
        Assert.Contains("beyond this machine", output);
        Assert.Contains("--api-key", output);
        Assert.Contains("--allow-anonymous", output);
        Assert.DoesNotContain("Unhandled exception", output);
    }
}
