using Parley.ModelImporter.Architectures;

namespace Parley.ModelImporter.Forms;

/// <summary>What a group of compressed-tensors' configuration says of weights.</summary>
/// <param name="Bits">Bits of a code.</param>
/// <param name="Group">Columns of a group; null for none.</param>
/// <param name="Block">Size of a block; null for none.</param>
internal sealed record CompressedScheme(int Bits, int? Group, (int Rows, int Columns)? Block)
{
    private static readonly string[] Formats =
    [
        "dense", "pack-quantized", "int-quantized", "float-quantized", "naive-quantized", "nvfp4-pack-quantized", "mxfp4-pack-quantized",
        "mxfp8-quantized", "mixed-precision",
    ];

    /// <summary>Reads all groups.</summary>
    /// <exception cref="InvalidDataException">One asks for what is not read.</exception>
    public static IReadOnlyList<CompressedScheme> ReadAll(ConfigFile config)
    {
        CheckFormat(config);
        if (config.Object("sparsity_config") is { } sparsity && sparsity.Text("format", "dense") is var format && format != "dense")
            throw sparsity.Unsupported("format", $"\"{format}\"", "dense");
        if (config.Object("transform_config") is { } transform && transform.IsSet("config_groups"))
            throw transform.Unsupported("config_groups", "set", "weights that are not turned");
        var schemes = new List<CompressedScheme>();
        var groups = config.Object("config_groups");
        foreach (var name in groups?.Fields ?? [])
        {
            var group = groups!.Object(name);
            if (group is null)
                continue;
            CheckFormat(group);
            if (group.Object("weights") is { } weights)
                schemes.Add(Read(weights));
        }

        return schemes;
    }

    private static CompressedScheme Read(ConfigFile weights)
    {
        (int Rows, int Columns)? block = null;
        if (weights.Has("block_structure"))
        {
            block = weights.WholeNumbers("block_structure") switch
            {
                [> 0 and var rows, > 0 and var columns] => (rows, columns),
                _ => throw weights.Unsupported("block_structure", "no pair of positive numbers", "[128, 128]"),
            };
        }

        return new CompressedScheme(weights.Int("num_bits", 1, 32, 8), GroupSizes.Read(weights, "group_size"), block);
    }

    private static void CheckFormat(ConfigFile config)
    {
        if (config.Has("format") && config.Text("format") is var format && !Formats.Contains(format))
            throw config.Unsupported("format", $"\"{format}\"", string.Join(", ", Formats));
    }
}
