using Parley.Gateway.Chat;
using Parley.Gateway.Upstream;

namespace Parley.Gateway.OpenAi;

/// <summary>The token strings that log-probabilities are written with; each id of a request is asked for once.</summary>
internal sealed class PieceTable(TokenizerClient tokenizer)
{
    private readonly Dictionary<uint, TokenPiece> _pieces = [];

    public TokenPiece this[uint id] => _pieces[id];

    /// <summary>Learns the ids of a delta, in one call for all that are new.</summary>
    public async ValueTask LearnAsync(ChatUpdate.Delta delta, CancellationToken cancellationToken)
    {
        if (delta.Logprobs.Count == 0)
            return;
        var missing = new HashSet<uint>();
        for (var index = 0; index < delta.Logprobs.Count; index++)
        {
            missing.Add(delta.Ids.Span[index]);
            foreach (var top in delta.Logprobs[index].Top)
                missing.Add(top.Id);
        }

        missing.ExceptWith(_pieces.Keys);
        if (missing.Count == 0)
            return;
        foreach (var piece in await tokenizer.PiecesAsync(missing, cancellationToken))
            _pieces[piece.Id] = piece;
    }
}
