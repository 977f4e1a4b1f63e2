namespace Parley.Gateway.Ollama;

/// <summary>How far a pull is.</summary>
/// <param name="Status">What it does, in words.</param>
/// <param name="Completed">Bytes that are done; 0 where that is not counted.</param>
/// <param name="Total">All of them; 0 where that is not known.</param>
public readonly record struct ModelPullProgress(string Status, long Completed = 0, long Total = 0);
