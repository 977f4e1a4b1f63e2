using Parley.ModelImporter.Architectures;

namespace Parley.ModelImporter.Forms;

/// <summary>How MLX stores a module.</summary>
/// <param name="Mode">affine, mxfp4 or nvfp4.</param>
/// <param name="Bits">Bits of a code.</param>
/// <param name="Group">Inputs per scale.</param>
internal sealed record MlxScheme(string Mode, int Bits, int Group)
{
    private static readonly int[] Widths = [2, 3, 4, 5, 6, 8];

    /// <summary>Groups have biases beside their scales.</summary>
    public bool HasBiases => Mode == "affine";

    /// <summary>What bytes among the scales stand for; null where scales are numbers.</summary>
    public float[]? Scales => Mode switch
    {
        "mxfp4" => Float8.E8M0Values,
        "nvfp4" => Float8.E4M3Values,
        _ => null,
    };

    /// <summary>Reads one, with what holds for all modules where an object does not say.</summary>
    /// <exception cref="InvalidDataException">It is none that is read.</exception>
    public static MlxScheme Read(ConfigFile config, MlxScheme? common)
    {
        var mode = config.Text("mode", common?.Mode ?? "affine");
        if (mode is not ("affine" or "mxfp4" or "nvfp4"))
            throw config.Unsupported("mode", $"\"{mode}\"", "affine, mxfp4, nvfp4");
        var (bits, group) = mode == common?.Mode ? (common.Bits, common.Group)
            : mode switch { "mxfp4" => (4, 32), "nvfp4" => (4, 16), _ => (4, 64) };
        bits = config.Int("bits", 1, 32, bits);
        if (mode == "affine" ? !Widths.Contains(bits) : bits != 4)
            throw config.Unsupported("bits", $"{bits}", mode == "affine" ? string.Join(", ", Widths) : "4");
        return new MlxScheme(mode, bits, config.Int("group_size", 1, 1 << 16, group));
    }
}
