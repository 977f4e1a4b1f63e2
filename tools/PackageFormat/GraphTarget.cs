namespace Parley.PackageFormat;

/// <summary>The device that a package's graph is written for, where it is not the CPU, and what follows from it.</summary>
/// <param name="Device"><c>cuda</c>, or <c>rehearsal</c>: the same graph in fp32 on the CPU, to try everything but the device.</param>
/// <param name="Activations">Element type of activations and KV cache: <c>fp16</c>, <c>bf16</c> or <c>fp32</c>.</param>
/// <param name="Attention"><c>paged</c> (PagedAttention over blocks) or <c>group-query</c> (GroupQueryAttention over slots).</param>
/// <param name="Candidates">Best logits of each row that the graph gives beside all of them; 0 is none.</param>
public sealed record GraphTarget(string Device, string Activations, string Attention, int Candidates)
{
    public const string Cuda = "cuda";

    public const string Rehearsal = "rehearsal";

    public const string Paged = "paged";

    public const string GroupQuery = "group-query";

    /// <summary>
    /// Candidates of a row: the default top-k of transformers is 50, and what ties with the last of them must be among them, too.
    /// </summary>
    public const int CandidatesDefault = 64;
}
