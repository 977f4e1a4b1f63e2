namespace Parley.ModelImporter;

/// <summary>What to import, where to, and how.</summary>
public sealed record ImportOptions
{
    /// <value>Folder of the checkpoint: config.json, tokenizer.json, *.safetensors.</value>
    public required string Source { get; init; }

    /// <value>Folder of the package; its parent is created where missing, itself must not be there.</value>
    public required string Destination { get; init; }

    /// <value>fp32, int8, w8a8 or int4; for CUDA bf16, fp16 or int4-fp16. Default: w8a8.</value>
    public string Precision { get; init; } = "w8a8";

    /// <value>Served name. Default: the name of the source folder in lower case.</value>
    public string? Name { get; init; }

    /// <value>
    /// Longest sequence (prompt and answer) that the package serves; the model's own limit if that is less. Default: 8192; from 1 on.
    /// </value>
    public int ContextTokensMax { get; init; } = 8192;

    /// <value>
    /// Largest number of weights per scale in int8 and int4: 128, 64 or 32. Default: 128. Smaller is more exact and larger on disk.
    /// </value>
    public int BlockMax { get; init; } = 128;

    /// <value>
    /// CUDA: paged, or group-query where ONNX Runtime has no PagedAttention. Default: paged, the only one on the CPU.
    /// </value>
    public string Attention { get; init; } = "paged";

    /// <value>Threads at work. Default: -1, as many as there are processors.</value>
    public int Parallelism { get; init; } = -1;
}
