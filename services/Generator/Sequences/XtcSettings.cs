namespace Parley.Generator.Sequences;

/// <summary>XTC: now and then, of the likely tokens only the least likely stays.</summary>
/// <param name="Probability">How often; above 0.</param>
/// <param name="Threshold">Probability from which on a token is likely.</param>
internal sealed record XtcSettings(float Probability, float Threshold);
