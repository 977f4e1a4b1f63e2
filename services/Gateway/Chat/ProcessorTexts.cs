using Parley.Gateway.Upstream;

namespace Parley.Gateway.Chat;

/// <summary>Texts of a request's settings as runs of ids: the Generator reads no text.</summary>
internal sealed class ProcessorTexts(TokenizerClient tokenizer)
{
    /// <summary>The request with runs in the place of texts.</summary>
    /// <exception cref="ChatException">A text has no ids.</exception>
    public async Task<ChatRequest> ResolveAsync(ChatRequest request, CancellationToken cancellationToken)
    {
        if (request.Sampling.Processors is not { } processors || processors is { BadWords.Count: 0, DryBreakers.Count: 0 })
            return request;
        var (badRuns, breakers) = (processors.BadRuns, processors.DryBreakerRuns);
        if (processors.DryBreakers.Count > 0)
            breakers = [.. breakers, .. await tokenizer.FindOverlapsAsync(request, processors.DryBreakers, cancellationToken)];
        foreach (var word in processors.BadWords)
            badRuns = [.. badRuns, .. await RunsOfAsync(request, word.TrimStart(), cancellationToken)];
        processors = processors with { BadWords = [], BadRuns = badRuns, DryBreakers = [], DryBreakerRuns = breakers };
        return request with { Sampling = request.Sampling with { Processors = processors } };
    }

    /// <summary>
    /// As in vLLM, a word is ruled out at the start of a text and within it: with a space before it too, where the space makes another
    /// first token and not one more.
    /// </summary>
    private async Task<IReadOnlyList<uint[]>> RunsOfAsync(ChatRequest request, string word, CancellationToken cancellationToken)
    {
        var bare = await tokenizer.EncodeAsync(request, word, cancellationToken);
        var spaced = await tokenizer.EncodeAsync(request, " " + word, cancellationToken);
        return spaced.Length == bare.Length && spaced[0] != bare[0] ? [bare, spaced] : [bare];
    }
}
