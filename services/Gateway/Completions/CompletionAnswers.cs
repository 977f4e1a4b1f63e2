using System.Text;
using Parley.Gateway.Chat;

namespace Parley.Gateway.Completions;

/// <summary>The choices of a completion: as news while they come, and gathered.</summary>
internal sealed class CompletionAnswers
{
    private readonly CompletionRequest _request;
    private readonly CompletionPrompt[] _prompts;
    private readonly Answer[] _answers;
    private ChatUsage _usage;

    public CompletionAnswers(CompletionRequest request)
    {
        _request = request;
        _prompts = [.. request.Prompts.Select((_, prompt) => new CompletionPrompt(request, prompt * (int)request.BestOf))];
        _answers = [.. Enumerable.Range(0, request.Prompts.Count * (int)request.BestOf).Select(_ => new Answer())];
    }

    /// <summary>As the pipeline names it.</summary>
    public string Model { get; private set; } = "";

    /// <summary>Of all prompts and all answers, told or not.</summary>
    public ChatUsage Usage => _usage;

    /// <summary>What stands before the answers to a prompt.</summary>
    public void Echo(int prompt, string text, IReadOnlyList<uint> ids, IReadOnlyList<TokenPiece> pieces) =>
        _prompts[prompt].Echo(text, ids, pieces);

    /// <summary>What an update tells of the choices.</summary>
    public IEnumerable<CompletionPart> Take(int prompt, ChatUpdate update)
    {
        switch (update)
        {
            case ChatUpdate.Accepted accepted:
                Model = accepted.Model;
                break;
            case ChatUpdate.Completed { Usage: var usage }:
                _usage = new ChatUsage(
                    _usage.PromptTokens + usage.PromptTokens, _usage.CachedTokens + usage.CachedTokens,
                    _usage.CompletionTokens + usage.CompletionTokens);
                break;
        }

        return _prompts[prompt].Take(update);
    }

    /// <summary>Gathers an update.</summary>
    public void Add(int prompt, ChatUpdate update)
    {
        foreach (var part in Take(prompt, update))
        {
            var answer = _answers[part.Index];
            answer.Text.Append(part.Text);
            answer.Tokens.AddRange(part.Tokens);
            answer.Finished = part.Finished ?? answer.Finished;
        }

        if (update is not ChatUpdate.Delta { Logprobs.Count: > 0 } delta)
            return;
        var judged = _answers[(prompt * (int)_request.BestOf) + (int)delta.Choice];
        judged.Likelihood += delta.Logprobs.Sum(token => (double)token.Logprob);
        judged.Length += delta.Logprobs.Count;
    }

    /// <summary>
    /// The choices that are told, in their order: of each prompt the first, or where more were made the likeliest a token.
    /// </summary>
    public IEnumerable<CompletionPart> Chosen()
    {
        var index = 0;
        foreach (var answers in _answers.Chunk((int)_request.BestOf))
        {
            // The sort is stable: among equals the first.
            IEnumerable<Answer> chosen = _request.BestOf == _request.Choices ? answers : answers.OrderByDescending(answer => answer.Mean);
            foreach (var answer in chosen.Take((int)_request.Choices))
                yield return new CompletionPart(index++, answer.Text.ToString(), answer.Tokens, answer.Finished);
        }
    }

    private sealed class Answer
    {
        public StringBuilder Text { get; } = new();

        public List<CompletionToken> Tokens { get; } = [];

        public ChatUpdate.ChoiceFinished? Finished { get; set; }

        public double Likelihood { get; set; }

        public int Length { get; set; }

        public double Mean => Length == 0 ? double.NegativeInfinity : Likelihood / Length;
    }
}
