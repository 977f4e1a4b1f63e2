namespace Parley.Cli.Evaluation;

/// <summary>How far a package's distributions are from the reference's, over all scored positions.</summary>
/// <param name="KlMean">Mean of KL(reference ‖ package), nats per token.</param>
/// <param name="KlP99">Its 99th percentile.</param>
/// <param name="KlMax">Its largest value.</param>
/// <param name="TopOneAgreement">Share of positions where both put the same id first, 0 to 1.</param>
internal sealed record DivergenceResult(double KlMean, double KlP99, double KlMax, double TopOneAgreement);
