namespace Parley.Cli.Evaluation;

/// <summary>What one package gave on a text.</summary>
/// <param name="Package">Its folder.</param>
/// <param name="Precision">As its manifest says.</param>
/// <param name="Tokens">Ids that were scored.</param>
/// <param name="NegativeLogLikelihood">Mean of −ln p(id), nats.</param>
/// <param name="Perplexity">Its exponential.</param>
/// <param name="Divergence">How far its distributions are from the reference's; null without one.</param>
internal sealed record EvaluationResult(
    string Package, string Precision, int Tokens, double NegativeLogLikelihood, double Perplexity, DivergenceResult? Divergence);
