using Parley.ModelImporter.Architectures;

namespace Parley.ModelImporter.Forms;

/// <summary>Which form a configuration names, of those that are read; all others are refused by name.</summary>
internal static class StoredForms
{
    private const string Field = "quantization_config";
    private const string MlxField = "quantization";
    private const string Method = "quant_method";
    private const string Mxfp4Model = "gpt_oss";

    private static readonly Dictionary<string, Func<ConfigFile, IStoredForm>> Methods = new(StringComparer.Ordinal)
    {
        ["awq"] = AwqForm.Of,
        ["bitsandbytes"] = _ => new BitsAndBytesForm(),
        ["compressed-tensors"] = CompressedForm.Of,
        ["fbgemm_fp8"] = CompressedForm.Of,
        ["fp8"] = Fp8Form.Of,
        ["gptq"] = GptqForm.Of,
        ["mxfp4"] = _ => new Mxfp4Form(),
    };

    /// <summary>The form of a checkpoint; null where weights are numbers.</summary>
    /// <param name="config">The whole configuration, or the text model's.</param>
    /// <param name="modelType">The family.</param>
    /// <exception cref="InvalidDataException">It is one that is not read; the message names it, and what to fetch instead.</exception>
    public static IStoredForm? Of(ConfigFile config, string modelType)
    {
        config.Watch(Field, MlxField);
        if (!config.IsSet(Field))
            return config.IsSet(MlxField) ? new MlxForm(config.Object(MlxField)!) : null;
        var form = config.Object(Field)!;
        if (!form.Has(Method))
        {
            return config.IsSet(MlxField) ? new MlxForm(config.Object(MlxField)!)
                : form.Has("bits") && form.Has("group_size") ? new MlxForm(form)
                : throw config.Unsupported(Field, $"without {Method}", Supported);
        }

        var method = form.Text(Method);
        if (method == "mxfp4" && modelType != Mxfp4Model)
            throw config.Unsupported(Field, "of the method \"mxfp4\"", $"that of {Mxfp4Model} alone");
        return Methods.TryGetValue(method, out var read) ? read(form) : throw form.Unsupported(Method, $"\"{method}\"", Supported);
    }

    private static string Supported => $"{string.Join(", ", Methods.Keys)}, and MLX's field {MlxField}; "
        + "fetch the model in one of these forms, as a GGUF file, or as its maker has it in bf16";
}
