namespace Parley.ModelImporter.Architectures;

/// <summary>Reads <c>quantization_config</c>: forms that are read, and those that are refused by name.</summary>
internal static class QuantizationFields
{
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
}
