namespace Parley.Generator.Sampling;

/// <summary>What a caller may ask to know about a chosen token.</summary>
/// <param name="Logprob">Log-probability under the model's own logits, before any stage; null when not asked for.</param>
/// <param name="Top">The most likely tokens under the same distribution, best first.</param>
/// <param name="Trace">The best candidates, stage by stage; empty when not asked for.</param>
internal sealed record TokenDetail(float? Logprob, IReadOnlyList<TokenLogprob> Top, IReadOnlyList<TraceCandidate> Trace);
