namespace Parley.Generator.Sampling;

/// <summary>One candidate of a step and what each stage made of it.</summary>
/// <param name="Id">Token id.</param>
/// <param name="Logit">As the model gave it.</param>
/// <param name="Stages">Stage names of the sampler in its order, each with the candidate's probability after it; 0 once it is out.</param>
internal sealed record TraceCandidate(int Id, float Logit, IReadOnlyList<KeyValuePair<string, float>> Stages);
