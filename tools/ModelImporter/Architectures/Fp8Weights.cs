using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Architectures;

/// <summary>Matrices of 8-bit numbers and their scales, as makers publish them, put together under the name of the matrix.</summary>
internal static class Fp8Weights
{
    private const string Weight = ".weight";
    private const string Scale = "_scale_inv";

    /// <summary>For quantised activations, which this importer has in its own way.</summary>
    private const string ActivationScale = ".activation_scale";

    /// <summary>Names that may stand beside those of the weights.</summary>
    public static IEnumerable<string> Names(IEnumerable<string> weights) => weights
        .Where(name => name.EndsWith(Weight, StringComparison.Ordinal))
        .SelectMany(name => new[] { name + Scale, name[..^Weight.Length] + ActivationScale });

    /// <summary>Puts matrices and scales together.</summary>
    /// <exception cref="InvalidDataException">The two do not fit each other.</exception>
    public static void Join(CheckpointTensors tensors, (int Rows, int Columns)? block)
    {
        foreach (var name in tensors.Names.ToArray())
        {
            if (name.EndsWith(ActivationScale, StringComparison.Ordinal))
                tensors.Remove(name);
            if (!name.EndsWith(Weight + Scale, StringComparison.Ordinal) || !tensors.Contains(name[..^Scale.Length]))
                continue;
            var weight = name[..^Scale.Length];
            var source = new Fp8Source((StoredSource)tensors.Source(weight), (StoredSource)tensors.Source(name), block);
            tensors.Remove(weight);
            tensors.Remove(name);
            tensors.Add(weight, source);
        }
    }
}
