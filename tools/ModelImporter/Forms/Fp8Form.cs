using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Forms;

/// <summary>FP8 as makers publish it: matrices in F8_E4M3 with <c>…_scale_inv</c>, one scale a matrix or one for each block.</summary>
/// <param name="block">Size of a block; null where a matrix has one scale.</param>
internal sealed class Fp8Form((int Rows, int Columns)? block) : IStoredForm
{
    private const int DefaultBlock = 128;
    private const string Scale = "_scale_inv";

    /// <summary>For quantised activations, which this importer has in its own way.</summary>
    private const string ActivationScale = "activation_scale";

    /// <exception cref="InvalidDataException">The field is no pair of sizes, or the numbers are of another kind.</exception>
    public static Fp8Form Of(ConfigFile config)
    {
        if (config.Text("fmt", "e4m3") is var format && format is not ("e4m3" or "float8_e4m3fn"))
            throw config.Unsupported("fmt", $"\"{format}\"", "e4m3");
        if (config.Names("weight_block_size") && !config.Has("weight_block_size"))
            return new Fp8Form(null);
        return new Fp8Form(!config.Has("weight_block_size") ? (DefaultBlock, DefaultBlock) : config.WholeNumbers("weight_block_size") switch
        {
            [> 0 and var rows, > 0 and var columns] => (rows, columns),
            _ => throw config.Unsupported("weight_block_size", "no pair of positive numbers", "[128, 128], or null"),
        });
    }

    public void Join(CheckpointTensors tensors)
    {
        foreach (var name in tensors.Names.ToArray())
        {
            if (name.EndsWith(ActivationScale, StringComparison.Ordinal))
                tensors.Remove(name);
            if (!name.EndsWith(Scale, StringComparison.Ordinal) || !tensors.Contains(name[..^Scale.Length]))
                continue;
            var parts = new ModuleParts(tensors, name[..^Scale.Length]);
            var (codes, scales) = (parts.Take(""), parts.Take(Scale));
            parts.Put(
                new Float8Source(codes, new StoredNumbers(scales, Float8.E8M0Values), scales.Shape.Count < 2 ? null : block), ending: "");
        }
    }
}
