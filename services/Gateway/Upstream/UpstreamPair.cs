namespace Parley.Gateway.Upstream;

/// <summary>A Tokenizer and a Generator that belong together.</summary>
internal sealed record UpstreamPair(TokenizerDescription Tokenizer, GeneratorDescription Generator)
{
    /// <summary>The name that requests may give.</summary>
    public string Model => Generator.Model;

    /// <summary>Changes when the weights or the tokenizer do.</summary>
    public string Fingerprint { get; } = "fp_"
        + (Generator.PackageSha256.Length >= 12 ? Generator.PackageSha256[..12] : Generator.PackageSha256);
}
