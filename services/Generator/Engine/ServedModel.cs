using Parley.Generator.Execution;
using Parley.Generator.Guides.Vocabulary;
using Parley.Generator.KvCache;
using Parley.Generator.Model;
using Parley.PackageFormat;

namespace Parley.Generator.Engine;

/// <summary>
/// An opened package: what is known before its weights are read, and how to read them. Opening is cheap and happens before the port
/// opens, so that a broken package ends the process with its reason; <see cref="CreateRunner"/> may take long.
/// </summary>
internal sealed record ServedModel
{
    public required string Name { get; init; }

    public required string Directory { get; init; }

    public required string Architecture { get; init; }

    public required string Precision { get; init; }

    public required ModelShape Shape { get; init; }

    public required GenerationDefaults Defaults { get; init; }

    /// <summary>The checkpoint sees images, too, and the package has its text model alone.</summary>
    public bool WithoutVision { get; init; }

    /// <summary>SHA-256 of tokenizer.json, lower-case hexadecimal.</summary>
    public required string TokenizerSha256 { get; init; }

    /// <summary>SHA-256 of the manifest, lower-case hexadecimal.</summary>
    public required string PackageSha256 { get; init; }

    public required long Parameters { get; init; }

    /// <summary>Bytes of the weights, which every step reads.</summary>
    public long WeightBytes { get; init; }

    /// <summary>Version of the importer that made the package.</summary>
    public string Importer { get; init; } = "";

    /// <summary>What computes the steps, for people: ONNX Runtime's version and provider, instruction sets, threads.</summary>
    public string Runtime { get; init; } = "";

    /// <summary>Bytes of keys and values that one token takes in the blocks.</summary>
    public required int KvBytesPerToken { get; init; }

    /// <summary>The package's manifest, against which adapters are checked; null where there is no package, and no adapters.</summary>
    public ModelManifest? Manifest { get; init; }

    /// <summary>Reads the tokens' bytes, for guides; called once, and only when a guide comes.</summary>
    public Func<TokenVocabulary> ReadTokens { get; init; } =
        static () => throw new InvalidDataException("The package holds no tokenizer.");

    /// <summary>Sizes the KV cache by a device's own memory; null where options and the host's memory decide.</summary>
    public Func<KvCacheSize>? PlanCache { get; init; }

    /// <summary>Loads the model with a KV cache of this size.</summary>
    public required Func<KvCacheSize, IModelRunner> CreateRunner { get; init; }
}
