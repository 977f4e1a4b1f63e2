using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using Grpc.Core;
using Parley.Cli;
using Parley.Cli.Hosting;
using Parley.Embedded.Hosting;
using Parley.Gateway.V1;
using Parley.ModelPackages;
using Parley.ServiceDefaults;
using Parley.TestSupport;

namespace Parley.EndToEnd.Tests;

/// <summary>What goes wrong around a system that is its own.</summary>
public sealed class FailureTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("parley-e2e-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Complete_GeneratorGone_IsUnavailableAndTellsTheLogAlone()
    {
        using var log = new LogGuard();
        var package = await PackageCache.ImportAsync(Shared.DemoModel, Path.Combine(_folder, "package"), "fp32", CancellationToken.None);
        await using var system = await LocalSystem.StartAsync(
            new LocalSystemOptions { PackageDirectory = package, LoggerProvider = log }, CancellationToken.None);
        using var channel = GrpcClientDefaults.CreateChannel(system.Grpc);
        using var http = new HttpClient { BaseAddress = system.Http };

        await system.StopGeneratorAsync();

        var chat = new ChatCompletion.ChatCompletionClient(channel);
        var exception = await Assert.ThrowsAsync<RpcException>(() =>
            chat.CollectAsync(Conversations.Ask("hello", Conversations.Greedy(4))));
        Assert.Equal(StatusCode.Unavailable, exception.StatusCode);
        Assert.Equal("The model is not available at the moment.", exception.Status.Detail);

        var body = new { messages = new[] { new { role = "user", content = "hello" } } };
        using var response = await http.PostAsJsonAsync("/v1/chat/completions", body);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal("1", response.Headers.GetValues("Retry-After").Single());
        var text = await response.Content.ReadAsStringAsync();
        Assert.Contains("\"The model is not available at the moment.\"", text);
        Assert.DoesNotContain("127.0.0.1", text);
        var told = $"The Generator at {system.Generator.GetLeftPart(UriPartial.Authority)} answered";
        Assert.Contains(log.Entries, line => line.Contains(told));
        log.AssertNoErrors();
    }

    [Fact]
    public async Task Start_FolderWithoutAPackage_NamesTheFile()
    {
        var empty = Directory.CreateDirectory(Path.Combine(_folder, "empty")).FullName;
        File.WriteAllText(Path.Combine(empty, "config.json"), "{}");
        var exception = await Assert.ThrowsAnyAsync<Exception>(() => LocalSystem.StartAsync(
            new LocalSystemOptions { PackageDirectory = empty }, CancellationToken.None));
        Assert.Contains("tokenizer.json", ErrorReport.For(exception) ?? exception.ToString());
    }

    [Fact]
    public void FreePort_InUse_SaysWhichOptionHelps()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        var exception = Assert.Throws<UserErrorException>(() => FreePort.Require([IPAddress.Loopback], port, "--http-port"));
        Assert.Contains($"Port {port} of 127.0.0.1", exception.Message);
        Assert.Contains("--http-port", exception.Message);
    }

    [Theory]
    [InlineData("--http-port is 99999; it goes from 0 to 65535", "--http-port", "99999")]
    [InlineData("--grpc-port is -1; it goes from 0 to 65535", "--grpc-port", "-1")]
    [InlineData("--http-port and --grpc-port are both 4711", "--http-port", "4711", "--grpc-port", "4711")]
    public void Reach_PortsThatCannotBe_AreNamed(string named, params string[] arguments)
    {
        var reach = new ReachSelection();
        var command = new System.CommandLine.Command("up");
        reach.AddTo(command);

        var fault = Assert.Throws<UserErrorException>(
            () => reach.Apply(new LocalSystemOptions { PackageDirectory = "none" }, command.Parse(arguments)));

        Assert.Contains(named, fault.Message);
    }
}
