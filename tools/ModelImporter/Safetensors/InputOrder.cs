namespace Parley.ModelImporter.Safetensors;

/// <summary>
/// In which order the inputs of a matrix are taken so that those of a group lie together: input j of the grid is stored input order[j].
/// Two orders are equal where their numbers are.
/// </summary>
/// <param name="inputs">A permutation of the inputs.</param>
internal sealed class InputOrder(int[] inputs) : IEquatable<InputOrder>
{
    public ReadOnlySpan<int> Inputs => inputs;

    /// <summary>Puts what lies in the matrix's own order into the grid's.</summary>
    public void Gather<T>(ReadOnlySpan<T> stored, Span<T> ordered)
    {
        for (var i = 0; i < inputs.Length; i++)
            ordered[i] = stored[inputs[i]];
    }

    /// <summary>The way back.</summary>
    public void Scatter<T>(ReadOnlySpan<T> ordered, Span<T> stored)
    {
        for (var i = 0; i < inputs.Length; i++)
            stored[inputs[i]] = ordered[i];
    }

    public bool Equals(InputOrder? other) => other is not null && Inputs.SequenceEqual(other.Inputs);

    public override bool Equals(object? obj) => Equals(obj as InputOrder);

    public override int GetHashCode() => HashCode.Combine(inputs.Length, inputs[0], inputs[^1], inputs[inputs.Length / 2]);
}
