using System.Text;
using Parley.Gateway.Chat;

namespace Parley.Gateway.Completions;

/// <summary>One prompt of a completion: what of its updates is told of each of its choices.</summary>
/// <param name="request">The completion.</param>
/// <param name="first">Number of its first choice.</param>
internal sealed class CompletionPrompt(CompletionRequest request, int first)
{
    private readonly Dictionary<uint, TokenPiece> _pieces = [];
    private readonly List<(uint Id, PromptTokenLogprobs Token)> _judged = [];
    private readonly List<ChatUpdate> _held = [];
    private readonly CharacterCount[] _told = [.. Enumerable.Range(0, (int)request.BestOf).Select(_ => new CharacterCount(0))];
    private string _text = "";
    private IReadOnlyList<uint> _ids = [];
    private IReadOnlyList<TokenPiece> _idPieces = [];
    private bool _isEchoed = !request.Echo;

    /// <summary>What stands before each answer.</summary>
    /// <param name="text">The prompt.</param>
    /// <param name="ids">Its ids.</param>
    /// <param name="pieces">Theirs, where they are told.</param>
    public void Echo(string text, IReadOnlyList<uint> ids, IReadOnlyList<TokenPiece> pieces)
    {
        (_text, _ids, _idPieces) = (text, ids, pieces);
        var length = text.EnumerateRunes().Count();
        for (var choice = 0; choice < _told.Length; choice++)
            _told[choice] = new CharacterCount(length);
    }

    /// <summary>What an update tells; a prompt that is judged is told before its answers.</summary>
    public IEnumerable<CompletionPart> Take(ChatUpdate update)
    {
        if (update is ChatUpdate.PromptLogprobs judged)
        {
            Learn(judged.Pieces);
            _judged.AddRange(judged.Ids.Zip(judged.Tokens));
        }

        if (!_isEchoed && (request.Logprobs is null || _judged.Count >= _ids.Count - 1))
        {
            _isEchoed = true;
            var tokens = request.Logprobs is null ? [] : PromptTokens();
            for (var choice = 0; choice < request.BestOf; choice++)
                yield return new CompletionPart(first + choice, _text, tokens);
            foreach (var one in _held.Select(Part).OfType<CompletionPart>())
                yield return one;
            _held.Clear();
        }

        if (!_isEchoed)
            _held.Add(update);
        else if (Part(update) is { } part)
            yield return part;
    }

    private CompletionPart? Part(ChatUpdate update)
    {
        switch (update)
        {
            case ChatUpdate.Delta delta when delta.Text.Length > 0 || delta.Logprobs.Count > 0:
                Learn(delta.Pieces);
                return new CompletionPart(first + (int)delta.Choice, delta.Text, request.Logprobs is null ? [] : Tokens(delta));
            case ChatUpdate.ChoiceFinished finished:
                return new CompletionPart(first + (int)finished.Choice, "", [], finished);
            default:
                return null;
        }
    }

    private List<CompletionToken> Tokens(ChatUpdate.Delta delta)
    {
        var tokens = new List<CompletionToken>();
        var told = _told[delta.Choice];
        for (var index = 0; index < delta.Logprobs.Count; index++)
        {
            var piece = _pieces[delta.Ids.Span[index]];
            tokens.Add(new CompletionToken(NameOf(piece), delta.Logprobs[index].Logprob,
                Top(piece, delta.Logprobs[index].Logprob, delta.Logprobs[index].Top), told.Count));
            // Special tokens are no part of an answer's text.
            if (!piece.Special)
                told.Add(piece.Utf8.Span);
        }

        return tokens;
    }

    private List<CompletionToken> PromptTokens()
    {
        var tokens = new List<CompletionToken>();
        var told = new CharacterCount(0);
        var utf8 = Encoding.UTF8.GetBytes(_text).AsSpan();
        for (var index = 0; index < _idPieces.Count; index++)
        {
            var piece = _idPieces[index];
            var judged = index > 0 && index <= _judged.Count ? _judged[index - 1].Token : null;
            tokens.Add(new CompletionToken(
                NameOf(piece), judged?.Logprob, judged is null ? null : Top(piece, judged.Logprob, judged.Top), told.Count));
            // What the tokenizer has added, such as bos, is not in the text as it was given.
            if (piece.Special && !utf8.StartsWith(piece.Utf8.Span))
                continue;
            told.Add(piece.Utf8.Span);
            utf8 = utf8[Math.Min(piece.Utf8.Length, utf8.Length)..];
        }

        return tokens;
    }

    /// <summary>As many as were asked for, and the token itself where it is none of them.</summary>
    private List<(string, float)> Top(TokenPiece chosen, float logprob, IReadOnlyList<TokenLogprobs.Candidate> candidates)
    {
        var top = new List<(string Token, float Logprob)>(candidates.Count + 1);
        foreach (var candidate in candidates)
        {
            // Two ids may have one text; the likelier came first.
            var name = candidate.Id == chosen.Id ? NameOf(chosen) : NameOf(_pieces[candidate.Id]);
            if (top.All(one => one.Token != name))
                top.Add((name, candidate.Logprob));
        }

        if (top.All(one => one.Token != NameOf(chosen)))
            top.Add((NameOf(chosen), logprob));
        return top;
    }

    private void Learn(IReadOnlyList<TokenPiece> pieces)
    {
        foreach (var piece in pieces)
            _pieces[piece.Id] = piece;
    }

    /// <summary>The text of a token, or as OpenAI writes it where it is a part of a character, its bytes.</summary>
    private static string NameOf(TokenPiece piece)
    {
        if (Encoding.UTF8.GetByteCount(piece.Text) == piece.Utf8.Length && !piece.Text.Contains('\uFFFD'))
            return piece.Text;
        if (System.Text.Unicode.Utf8.IsValid(piece.Utf8.Span))
            return Encoding.UTF8.GetString(piece.Utf8.Span);
        var name = new StringBuilder("bytes:");
        foreach (var value in piece.Utf8.Span)
            name.Append("\\x").Append(Convert.ToHexStringLower([value]));
        return name.ToString();
    }
}
