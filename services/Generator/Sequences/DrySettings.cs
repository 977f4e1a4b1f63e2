namespace Parley.Generator.Sequences;

/// <summary>DRY: a token that would make a repeated run longer loses multiplier × base ^ (length − allowed length).</summary>
/// <param name="Multiplier">Above 0.</param>
/// <param name="Base">At least 1.</param>
/// <param name="AllowedLength">Runs shorter than this may repeat.</param>
/// <param name="LastTokens">Tokens that are looked at.</param>
/// <param name="Breakers">By first id, what must follow it: over such a run no repetition is followed.</param>
internal sealed record DrySettings(
    float Multiplier, float Base, int AllowedLength, int LastTokens, IReadOnlyDictionary<uint, IReadOnlyList<uint[]>> Breakers);
