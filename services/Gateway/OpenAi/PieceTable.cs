using Parley.Gateway.Chat;
using Parley.Gateway.Upstream;

namespace Parley.Gateway.OpenAi;

/// <summary>The token strings that log-probabilities are written with; each id of a request is asked for once.</summary>
/// <param name="tokenizer">Knows them.</param>
/// <param name="continues">The answer continues a message; else it is a text of its own, which its first token opens.</param>
internal sealed class PieceTable(TokenizerClient tokenizer, bool continues)
{
    private readonly Dictionary<uint, TokenPiece> _pieces = [];
    private readonly HashSet<uint> _begun = [];

    /// <summary>The piece of an id.</summary>
    /// <param name="id">One of those learned.</param>
    /// <param name="opens">It is, or could have been, the first token of an answer.</param>
    public TokenPiece Find(uint id, bool opens) => opens && !continues ? _pieces[id].AtStart() : _pieces[id];

    /// <summary>Whether tokens of a choice that are about to be written are its first.</summary>
    public bool Begin(uint choice) => _begun.Add(choice);

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
        foreach (var piece in await tokenizer.PiecesAsync(missing, continues: true, cancellationToken))
            _pieces[piece.Id] = piece;
    }
}
