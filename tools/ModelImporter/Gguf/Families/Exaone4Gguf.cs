using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>EXAONE 4.</summary>
internal sealed class Exaone4Gguf : GgufFamily
{
    public override string Architecture => "exaone4";

    public override IReadOnlyList<string> ModelTypes { get; } = ["exaone4"];

    private const long WindowedLayers = 64;

    public override IReadOnlyDictionary<string, string> Modules => Olmo2Gguf.After;

    public override IReadOnlyCollection<string> Honoured { get; } = ["attention.sliding_window"];

    public override IReadOnlyList<string> Notes { get; } =
    [
        "a GGUF file of this architecture cannot say which layers have a window: three of four in a model of 64 layers, else none.",
    ];

    public override void Complete(GgufSource source, JsonObject config)
    {
        GgufSource.SetType(config, "Exaone4ForCausalLM", "exaone4");
        var isWindowed = source.Keys.Size("block_count") == WindowedLayers;
        config["sliding_window"] = isWindowed ? source.Keys.Count("attention.sliding_window") ?? 4096 : null;
        if (isWindowed)
            config["sliding_window_pattern"] = 4;
        if (source.Scaling("yarn") is { } scaling)
            config["rope_scaling"] = scaling;
    }
}
