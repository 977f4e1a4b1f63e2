using Parley.Gateway.Responses.Formats;

namespace Parley.Gateway.Upstream;

/// <summary>A Tokenizer and a Generator that belong together.</summary>
/// <param name="Tokenizer">What the Tokenizer says of itself.</param>
/// <param name="Generator">What the Generator says of itself.</param>
/// <param name="Names">The names that requests may give: the model's, of which answers have the first, then those of adapters.</param>
internal sealed record UpstreamPair(TokenizerDescription Tokenizer, GeneratorDescription Generator, IReadOnlyList<string> Names)
{
    public string Model => Names[0];

    /// <summary>How the model's answers are written; null where nothing is known, and they are text.</summary>
    public ResponseFormat? Format { get; init; }

    /// <summary>The adapter that a name stands for; null where it stands for the model alone.</summary>
    public AdapterDescription? AdapterOf(string name) =>
        ModelNames.Contains(name) ? null : Generator.Adapters.FirstOrDefault(adapter => adapter.Name == name);

    /// <summary>Names of the model itself.</summary>
    public IReadOnlyList<string> ModelNames { get; init; } = Names;

    /// <summary>The names of which a request must be allowed one: without a name it is the model's.</summary>
    public IReadOnlyList<string> NamesFor(string model) => model.Length == 0 ? ModelNames : Names;

    /// <summary>Changes when the weights or the tokenizer do, or an adapter's own weights.</summary>
    /// <param name="name">A served name.</param>
    public string Fingerprint(string name) => "fp_" + Shortened(Generator.PackageSha256)
        + (AdapterOf(name) is { } adapter ? "_" + Shortened(adapter.Sha256) : "");

    private static string Shortened(string sha256) => sha256.Length >= 12 ? sha256[..12] : sha256;
}
