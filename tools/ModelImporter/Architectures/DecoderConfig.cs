using Parley.PackageFormat;

namespace Parley.ModelImporter.Architectures;

/// <summary>What the graph needs to know of <c>config.json</c>.</summary>
/// <param name="Architecture">As <c>config.json</c> names it, e.g. <c>LlamaForCausalLM</c>.</param>
/// <param name="Shape">Its sizes.</param>
/// <param name="NormEpsilon">Added to the mean square in each norm.</param>
/// <param name="Rotary">Its positions.</param>
/// <param name="AttentionBias">The linears around attention add a bias.</param>
/// <param name="MlpBias">The linears of the MLP add a bias.</param>
internal sealed record DecoderConfig(
    string Architecture, ModelShape Shape, float NormEpsilon, RotarySettings Rotary, bool AttentionBias, bool MlpBias)
{
    /// <summary>What whoever imports should know of the fields that change nothing, one sentence each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}
