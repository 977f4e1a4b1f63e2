using Parley.Gateway.Responses.Formats;

namespace Parley.Gateway.Upstream;

/// <summary>A Tokenizer and a Generator that belong together.</summary>
/// <param name="Tokenizer">What the Tokenizer says of itself.</param>
/// <param name="Generator">What the Generator says of itself.</param>
/// <param name="Names">The names that requests may give; answers have the first.</param>
internal sealed record UpstreamPair(TokenizerDescription Tokenizer, GeneratorDescription Generator, IReadOnlyList<string> Names)
{
    public string Model => Names[0];

    /// <summary>How the model's answers are written; null where nothing is known, and they are text.</summary>
    public ResponseFormat? Format { get; init; }

    /// <summary>Changes when the weights or the tokenizer do.</summary>
    public string Fingerprint { get; } = "fp_"
        + (Generator.PackageSha256.Length >= 12 ? Generator.PackageSha256[..12] : Generator.PackageSha256);
}
