namespace Parley.ModelImporter.Gguf.Metadata;

/// <summary>By what a file divides the frequency of each rotary pair, as tensors.</summary>
/// <param name="Always">In every text; null for nothing.</param>
/// <param name="Brief">longrope: in short texts; null for nothing.</param>
/// <param name="Extended">longrope: in long ones; null for nothing.</param>
internal sealed record GgufRotaryFactors(float[]? Always, float[]? Brief, float[]? Extended)
{
    public static GgufRotaryFactors None { get; } = new(null, null, null);
}
