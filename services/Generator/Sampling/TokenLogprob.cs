namespace Parley.Generator.Sampling;

/// <summary>A token's log-probability under the model's own logits.</summary>
internal readonly record struct TokenLogprob(int Id, float Logprob);
