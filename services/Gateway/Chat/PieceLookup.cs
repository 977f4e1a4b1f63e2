using Parley.Gateway.Upstream;

namespace Parley.Gateway.Chat;

/// <summary>The pieces of the tokens that a request's log-probabilities name; each id is asked for once.</summary>
internal sealed class PieceLookup(TokenizerClient tokenizer)
{
    private readonly HashSet<uint> _known = [];

    /// <summary>Puts the pieces of ids that are new into an update.</summary>
    /// <param name="update">Any.</param>
    /// <param name="waitingToken">Cancelled when the caller leaves or the deadline passes.</param>
    /// <param name="callerToken">Cancelled when the caller leaves.</param>
    /// <returns>The update, or the failure that takes its place, with its cause.</returns>
    public async ValueTask<(ChatUpdate Update, Exception? Fault)> AddAsync(
        ChatUpdate update, CancellationToken waitingToken, CancellationToken callerToken)
    {
        if (update is not ChatUpdate.Delta { Logprobs.Count: > 0 } delta)
            return (update, null);
        var missing = new HashSet<uint>();
        for (var index = 0; index < delta.Logprobs.Count; index++)
        {
            missing.Add(delta.Ids.Span[index]);
            foreach (var top in delta.Logprobs[index].Top)
                missing.Add(top.Id);
        }

        missing.ExceptWith(_known);
        if (missing.Count == 0)
            return (update, null);
        try
        {
            var pieces = await tokenizer.PiecesAsync(missing, continues: true, waitingToken);
            _known.UnionWith(missing);
            return (delta with { Pieces = pieces }, null);
        }
        catch (ChatException exception)
        {
            return (new ChatUpdate.Failed(exception.Error), exception);
        }
        catch (OperationCanceledException exception) when (!callerToken.IsCancellationRequested)
        {
            return (new ChatUpdate.Failed(ChatError.DeadlinePassed), exception);
        }
    }
}
