namespace Parley.Cli.Gpu;

/// <summary>One comparison.</summary>
/// <param name="Precision">The package on the device.</param>
/// <param name="Check">What was compared.</param>
/// <param name="Tokens">Length of the sequence.</param>
/// <param name="Relative">‖difference‖ / ‖expected‖.</param>
/// <param name="Worst">Largest difference over the largest magnitude.</param>
/// <param name="Tolerance">The relative difference that rounding explains.</param>
/// <param name="Identical">Equal bit by bit.</param>
/// <param name="Passed">Within it.</param>
internal sealed record CheckResult(
    string Precision, string Check, int Tokens, double Relative, double Worst, double Tolerance, bool Identical, bool Passed);
