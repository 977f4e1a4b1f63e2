namespace Parley.Generator.Sequences;

/// <summary>What is added to the logit of a run's last token where the tokens before it are the run's others.</summary>
/// <param name="Ids">The run; at least one id.</param>
/// <param name="Bias">Minus infinity rules the last id out there.</param>
internal sealed record TokenRunBias(IReadOnlyList<uint> Ids, float Bias);
