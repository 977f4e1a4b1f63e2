namespace Parley.Gateway.Chat;

/// <summary>
/// The one rule for requests that say nothing of sampling. The model's defaults apply; a folder without any is greedy, as <c>generate</c>
/// is. Whoever asks for several answers, or for another one, does not mean the same text again: where the defaults are greedy, these are
/// drawn at temperature 1, with the filters of the defaults.
/// </summary>
internal static class VariedSampling
{
    private const float Temperature = 1;

    /// <summary>What a request for varied answers means where it says no temperature.</summary>
    public static SamplingSettings Of(SamplingSettings defaults) =>
        IsGreedy(defaults) ? defaults with { Temperature = Temperature } : defaults;

    /// <summary>The request as it goes to the Generator.</summary>
    public static ChatRequest Apply(ChatRequest request, SamplingSettings defaults) =>
        (request.Choices > 1 || request.Varied) && request.Sampling.Temperature is null && IsGreedy(defaults)
            ? request with { Sampling = request.Sampling with { Temperature = Temperature } }
            : request;

    private static bool IsGreedy(SamplingSettings defaults) => defaults.Temperature is null or 0;
}
