namespace Parley.ModelImporter.Tests.Parity;

/// <summary>One prompt, and what transformers answers.</summary>
/// <param name="Ids">The prompt.</param>
/// <param name="Last">Logits of its last position.</param>
/// <param name="Middle">Logits of its middle position.</param>
/// <param name="Greedy">The most likely continuation, ends ignored.</param>
internal sealed record ParityCase(uint[] Ids, float[] Last, float[] Middle, uint[] Greedy)
{
    /// <summary>Which position is the middle one.</summary>
    public int MiddleIndex => Ids.Length / 2;
}
