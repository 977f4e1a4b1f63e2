namespace Parley.Generator.Sequences;

/// <summary>Mirostat: the cut follows what the tokens so far have surprised by.</summary>
/// <param name="Version">1 or 2.</param>
/// <param name="Tau">The surprise to keep, in bits.</param>
/// <param name="Eta">How fast the cut follows.</param>
internal sealed record MirostatSettings(int Version, float Tau, float Eta)
{
    /// <summary>The largest surprise that a token may have before anything has been learnt, in bits.</summary>
    public float SurpriseAtStart => 2 * Tau;
}
