namespace Parley.ModelImporter.Architectures;

/// <summary>Reads <c>quantization_config</c>: forms that are read, and those that are refused by name.</summary>
internal static class QuantizationFields
{
    private const int DefaultBlock = 128;
    private const string Field = "quantization_config";
    private const string Supported = "checkpoints in F32, F16 or BF16, fp8 with weight_scale_inv, and mxfp4 of gpt_oss";

    /// <summary>The form of a checkpoint.</summary>
    /// <exception cref="InvalidDataException">It is one that is not read; the message names it.</exception>
    public static StoredForm Read(ConfigFile config)
    {
        config.Watch(Field);
        if (!config.IsSet(Field))
            return StoredForm.Plain;
        var form = config.Object(Field)!;
        if (!form.Has("quant_method"))
            throw config.Unsupported(Field, "set", Supported);
        return form.Text("quant_method") switch
        {
            "mxfp4" => StoredForm.Mxfp4,
            "fp8" => StoredForm.Fp8,
            var other => throw form.Unsupported("quant_method", $"\"{other}\"", Supported),
        };
    }

    /// <summary>The blocks that have a scale each in fp8; null where a matrix has one.</summary>
    /// <exception cref="InvalidDataException">The field is no pair of sizes, or the numbers are of another kind.</exception>
    public static (int Rows, int Columns)? ReadBlock(ConfigFile config)
    {
        var form = config.Object(Field)!;
        if (form.Text("fmt", "e4m3") is var format && format != "e4m3")
            throw form.Unsupported("fmt", $"\"{format}\"", "e4m3");
        if (form.Names("weight_block_size") && !form.Has("weight_block_size"))
            return null;
        return !form.Has("weight_block_size") ? (DefaultBlock, DefaultBlock) : form.WholeNumbers("weight_block_size") switch
        {
            [> 0 and var rows, > 0 and var columns] => (rows, columns),
            _ => throw form.Unsupported("weight_block_size", "no pair of positive numbers", "[128, 128], or null"),
        };
    }
}
