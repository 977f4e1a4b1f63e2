namespace Parley.Generator.Tests.Execution.Kernels;

/// <summary>What an attention does beside rotating halves of a head and attending.</summary>
/// <param name="IsInterleaved">Pairs that are rotated are neighbours.</param>
/// <param name="HasNorms">Queries and keys are normalised.</param>
/// <param name="IsNormLate">Behind the rotation.</param>
/// <param name="HasSinks">Each query head has a logit without a value.</param>
/// <param name="QueryBeta">How fast queries grow with their position, by steps of 16.</param>
/// <param name="NormalizesValues">Values are normalised without weights.</param>
/// <param name="KeysAreValues">Values are the keys as they come.</param>
internal sealed record AttentionExtras(
    bool IsInterleaved = false, bool HasNorms = false, bool IsNormLate = false, bool HasSinks = false, float QueryBeta = 0,
    bool NormalizesValues = false, bool KeysAreValues = false);
