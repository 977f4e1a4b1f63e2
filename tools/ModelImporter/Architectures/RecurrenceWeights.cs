using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Architectures;

/// <summary>The small tensors of a layer that has no attention; its linears are those of the layer.</summary>
internal abstract record RecurrenceWeights
{
    /// <summary>All tensors.</summary>
    public abstract IReadOnlyList<string> Names { get; }

    /// <summary>Numbers of all of them.</summary>
    public abstract long Parameters { get; }

    /// <exception cref="InvalidDataException">A tensor is missing or has another shape.</exception>
    public abstract void Check(CheckpointTensors tensors);
}
