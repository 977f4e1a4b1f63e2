using System.Threading.Channels;
using Parley.Gateway.Chat;

namespace Parley.Gateway.Completions;

/// <summary>
/// The prompts of one completion on their way, each by itself through the pipeline; their updates meet here. The first that fails ends all.
/// Disposal cancels what runs and waits for it.
/// </summary>
internal sealed class CompletionRun : IAsyncDisposable
{
    private const int BufferedMax = 256;

    private readonly CancellationTokenSource _leaving;
    private readonly Channel<(int Prompt, ChatUpdate Update)> _updates = Channel.CreateBounded<(int Prompt, ChatUpdate Update)>(
        new BoundedChannelOptions(BufferedMax) { SingleReader = true, AllowSynchronousContinuations = true });

    private readonly Task _work;
    private Exception? _failure;

    public CompletionRun(ChatPipeline pipeline, IReadOnlyList<ChatRequest> prompts, CancellationToken cancellationToken)
    {
        _leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _work = RunAsync(pipeline, prompts);
    }

    /// <summary>Updates with the number of their prompt; ends when all prompts have completed.</summary>
    public ChannelReader<(int Prompt, ChatUpdate Update)> Updates => _updates.Reader;

    public async ValueTask DisposeAsync()
    {
        await _leaving.CancelAsync();
        await _work;
        _leaving.Dispose();
    }

    private async Task RunAsync(ChatPipeline pipeline, IReadOnlyList<ChatRequest> prompts)
    {
        await Task.WhenAll(prompts.Select((request, prompt) => CopyAsync(pipeline, request, prompt)));
        _updates.Writer.Complete(_failure);
    }

    /// <summary>Never throws.</summary>
    private async Task CopyAsync(ChatPipeline pipeline, ChatRequest request, int prompt)
    {
        try
        {
            await foreach (var update in pipeline.RunAsync(request, _leaving.Token))
            {
                if (update is ChatUpdate.Failed failed)
                    throw new ChatException(failed.Error);
                await _updates.Writer.WriteAsync((prompt, update), _leaving.Token);
            }
        }
        catch (Exception exception)
        {
            // What follows from the first fault, or from the caller's leaving, says nothing of its own.
            Interlocked.CompareExchange(ref _failure, exception, null);
            await _leaving.CancelAsync();
        }
    }
}
