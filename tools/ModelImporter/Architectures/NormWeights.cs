using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Architectures;

/// <summary>The stored weights of a norm.</summary>
/// <param name="Weights">Tensors that follow each other, of one head each where heads have their own; none for ones.</param>
/// <param name="Bias">Tensor of all of them; null for none.</param>
/// <param name="Width">Numbers of all of them.</param>
internal sealed record NormWeights(IReadOnlyList<string> Weights, string? Bias, int Width)
{
    /// <summary>Shape of the first where it is not [width of one].</summary>
    public IReadOnlyList<int>? Shape { get; init; }

    /// <summary>Tensor [tensors, width of one] that may hold all of <see cref="Weights"/>, as GGUF files have it; null for none.</summary>
    public string? Stack { get; init; }

    /// <summary>Gives each of a checkpoint that keeps them together a name.</summary>
    /// <exception cref="InvalidDataException">The tensor has another shape; the message names it, wanted and found.</exception>
    public void Unstack(CheckpointTensors tensors)
    {
        if (Stack is null || !tensors.Contains(Stack))
            return;
        var width = Width / Weights.Count;
        tensors.Check(Stack, Weights.Count, width);
        var stack = tensors.Source(Stack);
        foreach (var (i, weight) in Weights.Index())
            tensors.Add(weight, new RunSource(stack, (long)i * width, width));
        tensors.Remove(Stack);
    }

    /// <summary>All tensors.</summary>
    public IEnumerable<string> Names => Bias is null ? Weights : [.. Weights, Bias];

    /// <exception cref="InvalidDataException">A tensor is missing or has another shape.</exception>
    public void Check(CheckpointTensors tensors)
    {
        foreach (var weight in Weights)
        {
            if (Shape is { } shape)
                tensors.Check(weight, [.. shape.Select(size => (long)size)]);
            else
                tensors.Check(weight, Width / Weights.Count);
        }

        if (Bias is not null)
            tensors.Check(Bias, Width);
    }

    /// <summary>What the normalised vector is multiplied with [Width].</summary>
    /// <param name="tensors">The checkpoint.</param>
    /// <param name="settings">Whether one is added.</param>
    public float[] Read(CheckpointTensors tensors, NormSettings settings)
    {
        var values = new float[Width];
        if (Weights.Count == 0)
            values.AsSpan().Fill(1);
        var width = Width / Math.Max(Weights.Count, 1);
        foreach (var (i, weight) in Weights.Index())
            tensors.Read(weight, 0, values.AsSpan(i * width, width));
        // A GGUF file of such a model holds the sums.
        if (settings.AddsOne && tensors.Gguf is null)
        {
            for (var i = 0; i < values.Length; i++)
                values[i] += 1;
        }

        return values;
    }

    /// <summary>What is added after that [Width].</summary>
    public float[] ReadBias(CheckpointTensors tensors)
    {
        var values = new float[Width];
        tensors.Read(Bias!, 0, values);
        return values;
    }
}
