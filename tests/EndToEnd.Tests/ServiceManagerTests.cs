using System.Net;
using Parley.ServiceDefaults;
using Parley.TestSupport;
using Parley.Tokenizer.V1;

namespace Parley.EndToEnd.Tests;

/// <summary>The programs under what runs services: systemd's notices, an orderly stop, a health check without any tool beside.</summary>
[Collection(DemoCollection.Name)]
public sealed class ServiceManagerTests(DemoSystem system) : IDisposable
{
    private static readonly Dictionary<string, string> NoVariables = [];
    private readonly string _folder = Directory.CreateTempSubdirectory("parley-managed-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Service_UnderSystemd_SaysWhenItIsReadyAliveAndStopping_AndFinishesWhatItHasBegun()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "systemd is Linux's.");
        using var systemd = new NotifySocket(_folder);
        using var process = ServiceProcess.StartUnderSystemd(
            "Tokenizer", _folder, systemd.Path, $"--Tokenizer:PackageDirectory={Shared.DemoModel}",
            "--Kestrel:Endpoints:Grpc:Url=http://127.0.0.1:0");
        await systemd.WaitForAsync("READY=1");
        await systemd.WaitForAsync("WATCHDOG=1");

        using var channel = GrpcClientDefaults.CreateChannel(await process.ListeningAsync());
        var client = new Tokenization.TokenizationClient(channel);
        var ids = (await client.EncodeAsync(new EncodeRequest { Text = "hello there" })).Ids;
        using var call = client.Detokenize();
        await call.RequestStream.WriteAsync(new DetokenizeRequest { Start = new DetokenizeStart() });
        await call.RequestStream.WriteAsync(new DetokenizeRequest { Tokens = new DetokenizeTokens { Ids = { ids[0] } } });
        Assert.True(await call.ResponseStream.MoveNext(default));
        var text = call.ResponseStream.Current.Text;
        await process.TerminateAsync();
        await systemd.WaitForAsync("STOPPING=1");

        await call.RequestStream.WriteAsync(new DetokenizeRequest { Tokens = new DetokenizeTokens { Ids = { ids.Skip(1) } } });
        await call.RequestStream.WriteAsync(new DetokenizeRequest { End = new DetokenizeEnd() });
        await call.RequestStream.CompleteAsync();
        while (await call.ResponseStream.MoveNext(default))
            text += call.ResponseStream.Current.Text;
        Assert.Equal("hello there", text);

        var (code, output) = await process.ExitAsync();
        Assert.True(code == 0, output);
    }

    [Theory]
    [InlineData("Tokenizer")]
    [InlineData("Generator")]
    public async Task HealthCheck_OfTheProgramItself_AsksTheOneThatRuns(string service)
    {
        var endpoint = $"--Kestrel:Endpoints:Grpc:Url=http://127.0.0.1:0";
        using var process = ServiceProcess.Start(service, _folder, NoVariables, endpoint, $"--{service}:PackageDirectory={system.Package}");
        var address = await process.ListeningAsync();
        // 0.0.0.0 is where a container's service listens; its own check reaches it on loopback.
        var same = new Dictionary<string, string> { ["Kestrel__Endpoints__Grpc__Url"] = $"http://0.0.0.0:{address.Port}" };

        using var live = ServiceProcess.Start(service, _folder, same, "--check-live");
        var (code, output) = await live.ExitAsync();

        Assert.True(code == 0, output);
        Assert.Contains("""{"status":"live"}""", output);
    }

    [Fact]
    public async Task HealthCheck_WhereNobodyListens_FailsAndSaysSo()
    {
        using var held = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        held.Start();
        var port = ((IPEndPoint)held.LocalEndpoint).Port;
        held.Stop();
        var variables = new Dictionary<string, string> { ["Kestrel__Endpoints__Grpc__Url"] = $"http://*:{port}" };

        using var check = ServiceProcess.Start("Tokenizer", _folder, variables, "--check-health");
        var (code, output) = await check.ExitAsync();

        Assert.Equal(1, code);
        Assert.Contains($"error: http://127.0.0.1:{port}/ does not answer", output);
    }

    [Theory]
    [InlineData("Tokenizer")]
    [InlineData("Generator")]
    public async Task Start_OnAVolumeThatIsBeingFilled_EndsWithWhatIsUnderWay(string service)
    {
        var folder = Path.Combine(_folder, "model");
        Directory.CreateDirectory(Path.Combine(_folder, ".model.0123.importing"));

        using var process = ServiceProcess.Start(service, _folder, NoVariables, $"--{service}:PackageDirectory={folder}");
        var (code, output) = await process.ExitAsync();

        Assert.Equal(1, code);
        Assert.Contains("error: ", output);
        Assert.Contains("an import into it is under way or was cut short (.model.0123.importing lies beside it)", output);
        Assert.DoesNotContain("Unhandled exception", output);
    }
}
