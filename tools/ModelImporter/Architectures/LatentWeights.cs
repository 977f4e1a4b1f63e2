using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Architectures;

/// <summary>The weights of a latent attention beside its first and last linear.</summary>
/// <param name="Settings">Sizes.</param>
/// <param name="Source">Prefix of the attention's tensors.</param>
/// <param name="Keys">For each head from the part of its query that does not turn to the latent: the expansion to keys, transposed.</param>
/// <param name="Values">For each head from the latent to its value.</param>
/// <param name="LatentNorm">Of the latent.</param>
internal sealed record LatentWeights(
    LatentSettings Settings, string Source, IReadOnlyList<LinearWeights> Keys, IReadOnlyList<LinearWeights> Values,
    NormWeights LatentNorm)
{
    /// <summary>Of what queries are made of; null where that is the residual stream.</summary>
    public NormWeights? QueryNorm { get; init; }

    /// <summary>From there to the queries of all heads; null likewise.</summary>
    public LinearWeights? QueryUp { get; init; }

    public IEnumerable<LinearWeights> Linears => [.. QueryUp is null ? [] : new[] { QueryUp }, .. Keys, .. Values];

    public IEnumerable<NormWeights> Norms => [.. QueryNorm is null ? [] : new[] { QueryNorm }, LatentNorm];

    /// <summary>Tensors that hold the expansions of all heads: one for both, or as GGUF files have it one for each.</summary>
    public IReadOnlyList<string> Stacks => [Whole, KeyStack, ValueStack];

    /// <summary>[heads · (plain + value), rank], for each head keys, then values.</summary>
    public string Whole => $"{Source}.kv_b_proj.weight";

    private string KeyStack => $"{Source}.k_b_proj.weight";

    private string ValueStack => $"{Source}.v_b_proj.weight";

    /// <summary>Gives the expansion of each head a name.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing or has another shape; the message names it.</exception>
    public void Unstack(CheckpointTensors tensors)
    {
        var (rank, plain, value) = (Settings.Rank, Settings.PlainSize, Settings.ValueSize);
        var heads = Keys.Count;
        if (tensors.Contains(KeyStack) && !tensors.Contains(Whole))
        {
            tensors.Check(KeyStack, heads, rank, plain);
            tensors.Check(ValueStack, heads, value, rank);
            Split(KeyStack, Keys, rank, plain);
            Split(ValueStack, Values, value, rank);
            return;
        }

        tensors.Check(Whole, (long)heads * (plain + value), rank);
        var whole = tensors.Source(Whole);
        for (var head = 0; head < heads; head++)
        {
            var first = (long)head * (plain + value);
            tensors.Add(
                Keys[head].Parts[0].Weight,
                new TransposedSource(new RowsSource(whole, first, 1, [1, plain, rank]), 0, tensors.Transposed));
            tensors.Add(Values[head].Parts[0].Weight, new RowsSource(whole, first + plain, 1, [value, rank]));
        }

        tensors.Remove(Whole);

        void Split(string stack, IReadOnlyList<LinearWeights> linears, int outputs, int inputs)
        {
            var source = tensors.Source(stack);
            foreach (var (head, linear) in linears.Index())
                tensors.Add(linear.Parts[0].Weight, new RowsSource(source, (long)head * outputs, 1, [outputs, inputs]));
            tensors.Remove(stack);
        }
    }
}
