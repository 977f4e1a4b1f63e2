using Parley.Gateway.Chat;

namespace Parley.Gateway.Upstream;

/// <summary>What the Generator has loaded and what it accepts.</summary>
internal sealed record GeneratorDescription(
    string Model, string TokenizerSha256, string PackageSha256, string Precision, string Device, uint ContextTokensMax,
    SamplingSettings DefaultSampling, IReadOnlyList<string> DefaultStopStrings)
{
    /// <summary>Of the model, e.g. <c>llama</c>.</summary>
    public string Architecture { get; init; } = "";

    /// <summary>Numbers that were learned.</summary>
    public ulong Parameters { get; init; }

    /// <summary>Further names of the model.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>Adapters that are served beside the model.</summary>
    public IReadOnlyList<AdapterDescription> Adapters { get; init; } = [];

    /// <summary>Adapters may come and go while it runs.</summary>
    public bool AdapterLoading { get; init; }

    /// <summary>The model sees images as its makers publish it, and was imported as its text model alone.</summary>
    public bool WithoutVision { get; init; }

    /// <summary>The most drafts that a request may ask for; 0 is none.</summary>
    public uint DraftTokensMax { get; init; }

    /// <summary>Ids are below it; 0 where it is not said.</summary>
    public uint VocabularySize { get; init; }

    /// <summary>The most tokens of an answer.</summary>
    public uint CompletionTokensMax { get; init; }

    /// <summary>Ids that end an answer.</summary>
    public IReadOnlyList<uint> EosTokenIds { get; init; } = [];

    /// <summary>Tokens of a block of its cache.</summary>
    public uint KvBlockTokens { get; init; }

    /// <summary>Of all that decides the bits of an answer; empty where it is not said.</summary>
    public string NumericsSha256 { get; init; } = "";
}
