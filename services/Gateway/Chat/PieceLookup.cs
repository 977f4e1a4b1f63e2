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
        var missing = NamedIn(update);
        missing.ExceptWith(_known);
        if (missing.Count == 0)
            return (update, null);
        try
        {
            var pieces = await tokenizer.PiecesAsync(missing, continues: true, waitingToken);
            _known.UnionWith(missing);
            return (update is ChatUpdate.Delta delta ? delta with { Pieces = pieces }
                : ((ChatUpdate.PromptLogprobs)update) with { Pieces = pieces }, null);
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

    private static HashSet<uint> NamedIn(ChatUpdate update)
    {
        var named = new HashSet<uint>();
        if (update is ChatUpdate.PromptLogprobs judged)
        {
            named.UnionWith(judged.Ids);
            named.UnionWith(judged.Tokens.SelectMany(token => token.Top).Select(top => top.Id));
        }
        else if (update is ChatUpdate.Delta { Logprobs: var logprobs } delta)
        {
            for (var index = 0; index < logprobs.Count; index++)
            {
                named.Add(delta.Ids.Span[index]);
                named.UnionWith(logprobs[index].Top.Select(top => top.Id));
            }
        }

        return named;
    }
}
