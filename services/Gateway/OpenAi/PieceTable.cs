using Parley.Gateway.Chat;

namespace Parley.Gateway.OpenAi;

/// <summary>The token strings that log-probabilities are written with.</summary>
/// <param name="continues">The answer continues a message; else it is a text of its own, which its first token opens.</param>
internal sealed class PieceTable(bool continues)
{
    private readonly Dictionary<uint, TokenPiece> _pieces = [];
    private readonly HashSet<uint> _begun = [];

    /// <summary>The piece of an id.</summary>
    /// <param name="id">One of those learned.</param>
    /// <param name="opens">It is, or could have been, the first token of an answer.</param>
    public TokenPiece Find(uint id, bool opens) => opens && !continues ? _pieces[id].AtStart() : _pieces[id];

    /// <summary>Whether tokens of a choice that are about to be written are its first.</summary>
    public bool Begin(uint choice) => _begun.Add(choice);

    /// <summary>Learns the pieces that come with a delta.</summary>
    public void Learn(ChatUpdate.Delta delta) => Learn(delta.Pieces);

    /// <summary>Learns pieces.</summary>
    public void Learn(IReadOnlyList<TokenPiece> pieces)
    {
        foreach (var piece in pieces)
            _pieces[piece.Id] = piece;
    }
}
