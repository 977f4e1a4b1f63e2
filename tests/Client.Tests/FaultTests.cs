using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Microsoft.Extensions.AI;
using Parley.Client.Tests.Doubles;
using Parley.Gateway.V1;
using Parley.TestSupport;

namespace Parley.Client.Tests;

/// <summary>What goes wrong, as the exceptions that a program catches.</summary>
public sealed class FaultTests
{
    [Fact]
    [ClientTest("Parley.Client for .NET", "errors")]
    public async Task Refusal_OfFields_ListsThem()
    {
        var details = new BadRequest();
        details.FieldViolations.Add(new BadRequest.Types.FieldViolation { Field = "sampling.temperature", Description = "is too high" });
        details.FieldViolations.Add(new BadRequest.Types.FieldViolation { Field = "stop[0]", Description = "must not be empty" });
        await using var server = await ScriptedServer.StartAsync(_ => throw Refusal(StatusCode.InvalidArgument, "two faults", details));

        var exception = await Assert.ThrowsAsync<ParleyRequestException>(() => server.Client().GetResponseAsync("hello"));

        Assert.Equal("two faults", exception.Message);
        Assert.Equal([new("sampling.temperature", "is too high"), new ParleyViolation("stop[0]", "must not be empty")],
            exception.Violations);
        Assert.Equal(StatusCode.InvalidArgument, exception.StatusCode);
        Assert.Equal(Assert.Single(server.Gateway.Requests).RequestId, exception.RequestId);
        Assert.False(exception.IsRetryable);
        Assert.IsType<RpcException>(exception.InnerException);
    }

    [Theory]
    [InlineData(StatusCode.NotFound, typeof(ParleyRequestException))]
    [InlineData(StatusCode.OutOfRange, typeof(ParleyRequestException))]
    [InlineData(StatusCode.Unimplemented, typeof(ParleyRequestException))]
    [InlineData(StatusCode.Unauthenticated, typeof(ParleyAccessException))]
    [InlineData(StatusCode.PermissionDenied, typeof(ParleyAccessException))]
    [InlineData(StatusCode.DeadlineExceeded, typeof(ParleyTimeoutException))]
    [InlineData(StatusCode.Unavailable, typeof(ParleyUnavailableException))]
    [InlineData(StatusCode.FailedPrecondition, typeof(ParleyUnavailableException))]
    [InlineData(StatusCode.Internal, typeof(ParleyServerException))]
    [InlineData(StatusCode.DataLoss, typeof(ParleyServerException))]
    [InlineData(StatusCode.Aborted, typeof(ParleyServerException))]
    public async Task Status_OfARefusal_HasItsException(StatusCode status, System.Type expected)
    {
        await using var server = await ScriptedServer.StartAsync(_ => throw Refusal(status, "why"));

        var exception = await Assert.ThrowsAnyAsync<ParleyException>(() =>
            server.Client(options => options.Retry.AttemptsMax = 1).GetStreamingResponseAsync("hello").ToListAsync().AsTask());

        Assert.Equal(expected, exception.GetType());
        Assert.Equal(status, exception.StatusCode);
    }

    [Fact]
    public async Task Overload_WithAWordWhenToCome_IsOverloaded()
    {
        var retry = new RetryInfo { RetryDelay = Duration.FromTimeSpan(TimeSpan.FromSeconds(3)) };
        await using var server = await ScriptedServer.StartAsync(_ => throw Refusal(StatusCode.ResourceExhausted, "full", retry));

        var exception = await Assert.ThrowsAsync<ParleyOverloadedException>(() =>
            server.Client(options => options.Retry.AttemptsMax = 1).GetResponseAsync("hello"));

        Assert.Equal(TimeSpan.FromSeconds(3), exception.RetryAfter);
        Assert.True(exception.IsRetryable);
    }

    [Fact]
    public async Task Message_BeyondItsSize_IsTheRequestsFaultAndNotTriedAgain()
    {
        await using var server = await ScriptedServer.StartAsync();

        var there = await Assert.ThrowsAsync<ParleyRequestException>(() => server.Client().GetResponseAsync(new string('x', 100_000)));
        var here = await Assert.ThrowsAsync<ParleyRequestException>(() =>
            server.Client(options => options.MessageBytesMax = 2048).GetResponseAsync(new string('x', 3000)));

        Assert.Equal(StatusCode.ResourceExhausted, there.StatusCode);
        Assert.Equal(StatusCode.ResourceExhausted, here.StatusCode);
        Assert.Equal(0, server.Gateway.Calls);
    }

    [Fact]
    public async Task Failure_AfterText_EndsTheStreamWithItsException()
    {
        await using var server = await ScriptedServer.StartAsync(request =>
        [
            ScriptedGateway.Accepted(request), ScriptedGateway.Delta("Hel"),
            new CompleteResponse { Failed = new FailedEvent { Code = "deadline_exceeded", Message = "late", Retryable = false } },
        ]);
        var text = "";

        await Assert.ThrowsAsync<ParleyTimeoutException>(async () =>
        {
            await foreach (var update in server.Client().GetStreamingResponseAsync("hello"))
                text += update.Text;
        });

        Assert.Equal("Hel", text);
    }

    [Theory]
    [InlineData("no_such_code", StatusCode.Unknown)]
    [InlineData("internal", StatusCode.Internal)]
    [InlineData("data_loss", StatusCode.DataLoss)]
    public async Task Failure_OfAnyCode_IsAnException(string code, StatusCode expected)
    {
        await using var server = await ScriptedServer.StartAsync(request =>
            [ScriptedGateway.Accepted(request), new CompleteResponse { Failed = new FailedEvent { Code = code, Message = "why" } }]);

        var exception = await Assert.ThrowsAsync<ParleyServerException>(() => server.Client().GetResponseAsync("hello"));

        Assert.Equal(expected, exception.StatusCode);
        Assert.Equal("why", exception.Message);
    }

    [Fact]
    public async Task Stream_WithoutAnEnd_IsNoAnswer()
    {
        await using var server = await ScriptedServer.StartAsync(
            request => [ScriptedGateway.Accepted(request), ScriptedGateway.Delta("Hel")]);

        var exception = await Assert.ThrowsAsync<ParleyServerException>(() => server.Client().GetResponseAsync("hello"));

        Assert.Contains("before the answer was complete", exception.Message);
    }

    [Fact]
    public async Task Server_ThatIsNoParley_IsSaidToBeNone()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var client = new ParleyChatClient(new ParleyClientOptions
        {
            Address = "http://other",
            CreateHandler = () => new AnswerHandler(System.Net.HttpStatusCode.NotFound),
        });

        var exception = await Assert.ThrowsAsync<ParleyServerException>(() => client.GetResponseAsync("hello"));

        Assert.Contains("No chat service of Parley", exception.Message);
    }

    [Fact]
    public async Task Server_ThatIsNotThere_IsUnavailable()
    {
        using var client = new ParleyChatClient(new ParleyClientOptions
        {
            Address = "http://absent",
            CreateHandler = () => new AnswerHandler(null),
            Retry = new ParleyRetryOptions { AttemptsMax = 1 },
        });

        var exception = await Assert.ThrowsAsync<ParleyUnavailableException>(() => client.GetResponseAsync("hello"));

        Assert.True(exception.IsRetryable);
    }

    [Fact]
    public async Task Details_ThatAreNone_LeaveTheStatus()
    {
        var trailers = new Metadata { { "grpc-status-details-bin", [0xff, 0xff] } };
        await using var server = await ScriptedServer.StartAsync(_ =>
            throw new RpcException(new Grpc.Core.Status(StatusCode.InvalidArgument, "why"), trailers));

        var exception = await Assert.ThrowsAsync<ParleyRequestException>(() => server.Client().GetResponseAsync("hello"));

        Assert.Empty(exception.Violations);
    }

    internal static RpcException Refusal(StatusCode code, string message, params Google.Protobuf.IMessage[] details)
    {
        var status = new Google.Rpc.Status { Code = (int)code, Message = message };
        status.Details.AddRange(details.Select(Any.Pack));
        return status.ToRpcException();
    }
}
