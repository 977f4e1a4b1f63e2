using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Parley.Cli.Bench.Serve;
using Parley.Gateway.V1;

namespace Parley.Cli.Tests.Bench.Serve;

public sealed class GrpcTargetTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task Run_AnAnswer_CountsTheIdsOfEachChunk()
    {
        await using var app = await StartAsync();
        using var target = Target(app);
        var clock = Clock();
        var answer = await target.RunAsync("Hi", 5, clock, CancellationToken.None);
        Assert.Equal(new ChatAnswer(9, 4, 5), answer);
        Assert.Equal(5, clock.Tokens);
    }

    [Fact]
    public async Task Run_ARefusalOrALoss_IsAKindOfFailure()
    {
        await using var app = await StartAsync();
        using var target = Target(app);
        Assert.Equal("grpc ResourceExhausted", (await target.RunAsync("full", 5, Clock(), CancellationToken.None)).Failure);
        Assert.Equal("failed unavailable", (await target.RunAsync("lost", 5, Clock(), CancellationToken.None)).Failure);
        Assert.Equal("stream cut", (await target.RunAsync("cut", 5, Clock(), CancellationToken.None)).Failure);
    }

    private static GrpcTarget Target(WebApplication app)
    {
        var handler = app.GetTestServer().CreateHandler();
        var channel = GrpcChannel.ForAddress("http://gateway", new GrpcChannelOptions { HttpHandler = handler });
        return new GrpcTarget(channel, new ChatRequestSettings("", 0, IgnoreEos: true, DraftTokens: null), apiKey: null);
    }

    private static async Task<WebApplication> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseTestServer();
        builder.Services.AddGrpc();
        var app = builder.Build();
        app.MapGrpcService<FakeGateway>();
        await app.StartAsync();
        return app;
    }

    private StreamClock Clock() => new(new LevelRecorder(1, new LatencyTargets(null, null), _time), _time.GetTimestamp());

    private sealed class FakeGateway : ChatCompletion.ChatCompletionBase
    {
        public override async Task Complete(
            CompleteRequest request, IServerStreamWriter<CompleteResponse> responseStream, ServerCallContext context)
        {
            var text = request.Chat.Messages[0].Content;
            if (text == "full")
                throw new RpcException(new Status(StatusCode.ResourceExhausted, "The queue is full."));
            await responseStream.WriteAsync(new CompleteResponse { Accepted = new AcceptedEvent { PromptTokens = 9 } });
            await responseStream.WriteAsync(new CompleteResponse { Delta = new DeltaEvent { Text = "a", Ids = { 1, 2 } } });
            if (text == "lost")
                await responseStream.WriteAsync(new CompleteResponse { Failed = new FailedEvent { Code = "unavailable" } });
            if (text is "lost" or "cut")
                return;
            await responseStream.WriteAsync(new CompleteResponse { Delta = new DeltaEvent { Ids = { 3, 4, 5 } } });
            await responseStream.WriteAsync(new CompleteResponse { ChoiceFinished = new ChoiceFinishedEvent() });
            var usage = new Generator.V1.Usage { PromptTokens = 9, CachedTokens = 4, CompletionTokens = 5 };
            await responseStream.WriteAsync(new CompleteResponse { Completed = new CompletedEvent { Usage = usage } });
        }
    }
}
