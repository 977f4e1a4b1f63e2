using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Parley.Client;
using Parley.TestSupport;

namespace Parley.Aspire.Tests;

/// <summary>Servers that really start, or say why not, without a sample around them.</summary>
public sealed class ReplicaTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("parley-aspire-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Replicas_OfOneServer_AnswerInTurnUnderOneConnection()
    {
        using var hang = new CancellationTokenSource(Orchestrator.HangTime);
        var builder = Create();
        builder.AddParley("chat").WithExecutable(BuiltCommandLine).WithModel(Shared.DemoModel).WithPrecision("fp32").WithThreads(1)
            .WithModelStore(_folder).WithServedName("small").WithReplicas(2);
        await using var app = builder.Build();
        await app.StartAsync(hang.Token);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("chat-2", hang.Token);

        var connection = ParleyConnection.Parse((await app.GetConnectionStringAsync("chat", hang.Token))!, "chat");
        Assert.StartsWith("static:///", connection.Endpoint);
        // A connection that just broke is a try; the next one goes to a server that is there.
        using var client = new ParleyChatClient(
            new ParleyClientOptions { Address = connection.Endpoint, ModelId = connection.Model, Retry = new() { AttemptsMax = 10 } });
        var options = new ChatOptions { Temperature = 0, MaxOutputTokens = 8 };
        var first = await client.GetResponseAsync("what is a token?", options, hang.Token);
        Assert.Equal("small", first.ModelId);

        // With the first one gone the second answers, and answers the same.
        var commands = app.Services.GetRequiredService<ResourceCommandService>();
        await commands.ExecuteCommandAsync("chat", KnownResourceCommands.StopCommand, hang.Token);
        await app.ResourceNotifications.WaitForResourceAsync("chat", KnownResourceStates.TerminalStates, hang.Token);
        var second = await client.GetResponseAsync("what is a token?", options, hang.Token);
        Assert.Equal(first.Text, second.Text);
        await app.StopAsync(hang.Token);
    }

    [Fact]
    public async Task Server_WithoutItsProgram_FailsAndSaysWhatToDo()
    {
        using var hang = new CancellationTokenSource(Orchestrator.HangTime);
        var builder = Create();
        var chat = builder.AddParley("chat").WithExecutable("/nowhere/parley");
        await using var app = builder.Build();
        await app.StartAsync(hang.Token);
        await app.ResourceNotifications.WaitForResourceAsync("chat", KnownResourceStates.FailedToStart, hang.Token);

        var logs = app.Services.GetRequiredService<ResourceLoggerService>();
        await foreach (var lines in logs.WatchAsync(chat.Resource).WithCancellation(hang.Token))
        {
            if (lines.Any(line => line.Content.Contains("There is no file /nowhere/parley.", StringComparison.Ordinal)))
                break;
        }
    }

    private static string BuiltCommandLine =>
        Path.Combine(AppContext.BaseDirectory, "..", "..", "Parley", new DirectoryInfo(AppContext.BaseDirectory).Name, "parley.dll");

    /// <summary>An app host without resources; the sample's assembly says where the orchestrator is.</summary>
    private static IDistributedApplicationBuilder Create()
    {
        Orchestrator.Require();
        var builder = DistributedApplication.CreateBuilder(
            new DistributedApplicationOptions { DisableDashboard = true, AssemblyName = Orchestrator.AppHost });
        builder.Configuration["DcpPublisher:RandomizePorts"] = "true";
        // Nothing that was started outlives its test.
        builder.Configuration["DcpPublisher:WaitForResourceCleanup"] = "true";
        return builder;
    }
}
