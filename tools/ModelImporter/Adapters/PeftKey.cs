namespace Parley.ModelImporter.Adapters;

/// <summary>
/// Name of a tensor in peft's files: a module, what the tensor is to it, and at times the name that the adapter had while it was trained.
/// </summary>
/// <param name="Module">The module, without the prefix of peft's wrapper.</param>
/// <param name="Role">What the tensor is to it.</param>
/// <param name="Adapter">Name of the adapter within the file; null for none.</param>
internal sealed record PeftKey(string Module, PeftRole Role, string? Adapter)
{
    private const string Wrapper = "base_model.model.";
    private const string Weight = "weight";
    private const string Bias = "bias";

    /// <summary>Parts of a name that end the module's, with what stands before <c>.weight</c> and before <c>.bias</c>.</summary>
    private static readonly Dictionary<string, (PeftRole? Weight, PeftRole? Bias, bool IsBare)> Marks = new(StringComparer.Ordinal)
    {
        ["lora_A"] = (PeftRole.A, null, false),
        ["lora_B"] = (PeftRole.B, PeftRole.BiasUpdate, false),
        ["lora_embedding_A"] = (PeftRole.EmbeddingA, null, true),
        ["lora_embedding_B"] = (PeftRole.EmbeddingB, null, true),
        ["lora_magnitude_vector"] = (PeftRole.Magnitude, null, true),
        ["modules_to_save"] = (PeftRole.Weight, PeftRole.Bias, false),
        ["base_layer"] = (PeftRole.Weight, PeftRole.Bias, false),
        ["original_module"] = (PeftRole.Original, PeftRole.Original, false),
    };

    /// <summary>Takes a name apart; null where it is of no form of peft's.</summary>
    public static PeftKey? Parse(string name)
    {
        var parts = (name.StartsWith(Wrapper, StringComparison.Ordinal) ? name[Wrapper.Length..] : name).Split('.');
        var mark = Array.FindIndex(parts, Marks.ContainsKey);
        if (mark < 0)
        {
            return parts is [_, .., Weight or Bias]
                ? new(string.Join('.', parts[..^1]), parts[^1] == Weight ? PeftRole.Weight : PeftRole.Bias, null) : null;
        }

        var (weight, bias, isBare) = Marks[parts[mark]];
        var (module, rest) = (string.Join('.', parts[..mark]), parts[(mark + 1)..]);
        (PeftRole? Role, string? Adapter) found = rest switch
        {
            [] when isBare => (weight, null),
            [Weight] => (weight, null),
            [Bias] => (bias, null),
            [var adapter, Weight] => (weight, adapter),
            [var adapter, Bias] => (bias, adapter),
            [var adapter] when isBare => (weight, adapter),
            _ => (null, null),
        };
        return module.Length > 0 && found.Role is { } role ? new(module, role, found.Adapter) : null;
    }
}
