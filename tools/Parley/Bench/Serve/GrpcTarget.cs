using Grpc.Core;
using Grpc.Net.Client;
using Parley.Gateway.V1;
using Parley.Generator.V1;
using Parley.Tokenizer.V1;

namespace Parley.Cli.Bench.Serve;

/// <summary>A Parley Gateway by gRPC: every chunk says how many tokens stand behind it.</summary>
/// <param name="channel">To the Gateway; disposed with the target.</param>
/// <param name="settings">What every request asks for.</param>
/// <param name="apiKey">Sent as bearer token; null sends none.</param>
internal sealed class GrpcTarget(GrpcChannel channel, ChatRequestSettings settings, string? apiKey) : IChatTarget
{
    private readonly ChatCompletion.ChatCompletionClient _client = new(channel);

    public async Task<ChatAnswer> RunAsync(string prompt, int tokensMax, StreamClock clock, CancellationToken cancellationToken)
    {
        var headers = new Metadata();
        if (apiKey is not null)
            headers.Add("authorization", $"Bearer {apiKey}");
        using var call = _client.Complete(Request(prompt, tokensMax), headers, cancellationToken: cancellationToken);
        try
        {
            return await ReadAsync(call.ResponseStream, clock, cancellationToken);
        }
        catch (RpcException exception) when (!cancellationToken.IsCancellationRequested)
        {
            return ChatAnswer.Failed($"grpc {exception.StatusCode}", exception.Status.Detail);
        }
        catch (RpcException exception)
        {
            throw new OperationCanceledException(exception.Message, exception, cancellationToken);
        }
    }

    public void Dispose() => channel.Dispose();

    private static async Task<ChatAnswer> ReadAsync(
        IAsyncStreamReader<CompleteResponse> stream, StreamClock clock, CancellationToken cancellationToken)
    {
        var answer = ChatAnswer.Failed("stream cut", "The stream ended without a terminal event.");
        while (await stream.MoveNext(cancellationToken))
        {
            var reply = stream.Current;
            switch (reply.EventCase)
            {
                case CompleteResponse.EventOneofCase.Delta:
                    clock.Arrived(reply.Delta.Ids.Count);
                    break;
                case CompleteResponse.EventOneofCase.ChoiceFinished:
                    clock.Finished();
                    break;
                case CompleteResponse.EventOneofCase.Completed:
                    var usage = reply.Completed.Usage;
                    answer = new ChatAnswer((int)usage.PromptTokens, (int)usage.CachedTokens, (int)usage.CompletionTokens);
                    break;
                case CompleteResponse.EventOneofCase.Failed:
                    answer = ChatAnswer.Failed($"failed {reply.Failed.Code}", reply.Failed.Message);
                    break;
            }
        }

        return answer;
    }

    private CompleteRequest Request(string prompt, int tokensMax)
    {
        var sampling = new SamplingParameters { MaxTokens = (uint)tokensMax };
        if (settings.Temperature is { } temperature)
            sampling.Temperature = (float)temperature;
        if (settings.IgnoreEos)
            sampling.IgnoreEos = true;
        if (settings.DraftTokens is { } draftTokens)
            sampling.DraftTokens = (uint)draftTokens;
        return new CompleteRequest
        {
            Model = settings.Model,
            Chat = new Tokenizer.V1.Chat { Messages = { new ChatMessage { Role = "user", Content = prompt } } },
            Sampling = sampling,
        };
    }
}
