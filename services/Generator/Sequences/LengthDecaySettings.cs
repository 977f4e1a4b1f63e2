namespace Parley.Generator.Sequences;

/// <summary>The longer the answer, the likelier its end.</summary>
/// <param name="Start">Tokens of the answer from which on.</param>
/// <param name="Factor">Growth per further token.</param>
internal sealed record LengthDecaySettings(int Start, float Factor);
