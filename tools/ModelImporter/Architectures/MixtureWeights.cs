using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Architectures;

/// <summary>A router, experts of which a token goes through some, and an MLP that every token goes through where there is one.</summary>
/// <param name="Settings">How it chooses.</param>
/// <param name="Router">A logit for each expert.</param>
/// <param name="GateUp">Gate and up of each expert.</param>
/// <param name="Down">Back to the residual stream, of each expert.</param>
internal sealed record MixtureWeights(
    MixtureSettings Settings, LinearWeights Router, IReadOnlyList<LinearWeights> GateUp, IReadOnlyList<LinearWeights> Down) : MlpWeights
{
    /// <summary>Tensor [experts] of what is added to scores for the choice; null for none.</summary>
    public string? Correction { get; init; }

    /// <summary>Tensor [experts] of factors on what the experts give; null for none.</summary>
    public string? ExpertScales { get; init; }

    /// <summary>Norms of its own; null where all parts read what the layer's norm gives.</summary>
    public SandwichNorms? Sandwich { get; init; }

    /// <summary>The MLP of every token; null for none.</summary>
    public GatedMlpWeights? Shared { get; init; }

    /// <summary>A number whose sigmoid multiplies what <see cref="Shared"/> gives; null for none.</summary>
    public LinearWeights? SharedGate { get; init; }

    /// <summary>Tensor that may hold gate and up of <see cref="Shared"/>, one behind the other; null for none.</summary>
    public string? SharedStack { get; init; }

    /// <summary>Tensors that may hold all experts instead.</summary>
    public IReadOnlyList<ExpertStack> Stacks { get; init; } = [];

    /// <summary>All linears of the experts: the two of the first, those of the next, and so on.</summary>
    public IEnumerable<LinearWeights> Experts => GateUp.Zip(Down, (one, other) => new[] { one, other }).SelectMany(pair => pair);

    public override IReadOnlyList<LinearWeights> Linears => [.. Walked, .. SharedGate is null ? [] : new[] { SharedGate }];

    /// <summary>Those that a text goes through one after the other: in a sandwich the MLP of every token is first.</summary>
    public IReadOnlyList<LinearWeights> Walked => Sandwich is null
        ? [Router, .. Experts, .. Shared?.Linears ?? []] : [.. Shared?.Linears ?? [], Router, .. Experts];

    /// <summary>Weights of an expert.</summary>
    public long ExpertWeights => ((long)GateUp[0].Outputs * GateUp[0].Inputs) + ((long)Down[0].Outputs * Down[0].Inputs);

    /// <summary>Gives the experts of a checkpoint that keeps them together a name each.</summary>
    /// <exception cref="InvalidDataException">A tensor has another shape; the message names file, tensor, wanted and found.</exception>
    public void Unstack(CheckpointTensors tensors)
    {
        foreach (var stack in Stacks)
            stack.Unstack(tensors, this);
        // A vector in GGUF files.
        if (SharedGate?.Parts[0].Weight is { } gate && tensors.Contains(gate) && tensors.Source(gate) is { Shape: [_] } vector)
        {
            tensors.Remove(gate);
            tensors.Add(gate, new RowsSource(vector, 0, 1, [1, vector.Shape[0]]));
        }

        if (SharedStack is null || Shared is null || !tensors.Contains(SharedStack))
            return;
        var linear = Shared.GateUp;
        tensors.Check(SharedStack, linear.Outputs, linear.Inputs);
        var (whole, first) = (tensors.Source(SharedStack), 0L);
        foreach (var part in linear.Parts)
        {
            tensors.Add(part.Weight, new RowsSource(whole, first, 1, [part.Outputs, linear.Inputs]));
            first += part.Outputs;
        }

        tensors.Remove(SharedStack);
    }
}
