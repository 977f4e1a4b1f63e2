using Parley.Cli.Bench.Stack;

namespace Parley.Cli.Tests.Bench.Stack;

/// <summary>A level that cannot fit is refused before it is measured, with what to change.</summary>
public sealed class StackRoomTests
{
    // 64 blocks of 32 tokens, 1,024 bytes per token: 2 MB.
    private static void Check(int streams, int answerTokens, int promptTokens, params string[] heights)
    {
        var options = new StackOptions
        {
            Streams = [1, streams],
            Protocol = "grpc",
            PromptWords = promptTokens,
            AnswerTokens = answerTokens,
            Requests = 1,
            Temperature = 0,
            PacedStepMs = null,
            Heights = heights,
            Settings = new Dictionary<string, string?>(),
        };
        new StackRoom(options, runningSequencesMax: 8, contextTokensMax: 1024, blockCount: 64, blockTokens: 32, bytesPerToken: 1024)
            .Check(promptTokens);
    }

    [Theory]
    [InlineData(8, 239, 16)]
    [InlineData(1, 1007, 16)]
    public void Check_FillsTheCacheOrTheContext_Passes(int streams, int answerTokens, int promptTokens) =>
        Check(streams, answerTokens, promptTokens, StackRun.StepsHeight);

    [Fact]
    public void Check_MoreStreamsThanRunAtOnce_PassesThroughTheServicesAlone()
    {
        Check(500, 239, 16, StackRun.ServicesHeight);
        var fault = Assert.Throws<UserErrorException>(() => Check(500, 239, 16, StackRun.ServicesHeight, StackRun.EngineHeight));
        Assert.Contains("Generator:RunningSequencesMax=500", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_MoreThanTheCacheHolds_NamesWhatFitsAndTheSetting()
    {
        var fault = Assert.Throws<UserErrorException>(() => Check(8, 240, 16, StackRun.ServicesHeight));
        Assert.Contains("at most 239 tokens", fault.Message, StringComparison.Ordinal);
        Assert.Contains("Generator:KvCacheMegabytes=3", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_MoreThanTheContextHolds_NamesIt()
    {
        var fault = Assert.Throws<UserErrorException>(() => Check(1, 1008, 16, StackRun.StepsHeight));
        Assert.Contains("1024", fault.Message, StringComparison.Ordinal);
    }
}
