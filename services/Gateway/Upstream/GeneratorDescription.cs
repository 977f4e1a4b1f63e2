using Parley.Gateway.Chat;

namespace Parley.Gateway.Upstream;

/// <summary>What the Generator has loaded and what it accepts.</summary>
internal sealed record GeneratorDescription(
    string Model, string TokenizerSha256, string PackageSha256, string Precision, string Device, uint ContextTokensMax,
    SamplingSettings DefaultSampling, IReadOnlyList<string> DefaultStopStrings)
{
    /// <summary>Further names of the model.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>The most drafts that a request may ask for; 0 is none.</summary>
    public uint DraftTokensMax { get; init; }
}
