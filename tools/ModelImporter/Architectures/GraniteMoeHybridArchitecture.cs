namespace Parley.ModelImporter.Architectures;

/// <summary>
/// Granite 4: Mamba-2 in most layers, attention without positions in the others, and an MLP that every token goes through, alone or beside
/// experts.
/// </summary>
internal sealed class GraniteMoeHybridArchitecture : DecoderArchitecture
{
    private const string Types = "layer_types";
    private const string OldTypes = "layers_block_type";

    public override string Name => "GraniteMoeHybridForCausalLM";

    public override string ModelType => "granitemoehybrid";

    protected override SizeDefaults Defaults { get; } = new(32, 4096, 11_008, 32, null, 32_000, 2048);

    /// <summary>All but the first may be null for the class, which then fails.</summary>
    protected override IReadOnlyList<string> NeverNull { get; } =
    [
        "shared_intermediate_size", "num_local_experts", "mamba_expand", "mamba_n_heads", "mamba_n_groups", "mamba_d_state", "mamba_d_conv",
    ];

    protected override TensorNames Names { get; } = GraniteMoeArchitecture.BlockNames with
    {
        GateUp = ["shared_mlp.gate_proj", "shared_mlp.up_proj"],
        GateUpStack = "shared_mlp.input_linear",
        Down = "shared_mlp.output_linear",
        Recurrence = new RecurrenceNames
        {
            Module = "mamba",
            Input = "mamba.in_proj",
            Convolution = "mamba.conv1d",
            Output = "mamba.out_proj",
        },
    };

    /// <summary>As the class has them and as checkpoints and GGUF files do.</summary>
    protected override IReadOnlyList<(string Found, string Known)> OtherNames { get; } =
        [.. GraniteMoeArchitecture.BlockOtherNames, (".mamba.dt.bias", ".mamba.dt_bias")];

    /// <summary>How many positions the class computes at a time, and what its inference does not read.</summary>
    public override IReadOnlyList<string> Silent { get; } = [.. MixtureFields.Silent, "mamba_chunk_size"];

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        RefuseLimits(config);
        var isRotated = config.Has("position_embedding_type") && config.Text("position_embedding_type") == "rope";
        var experts = config.Int("num_local_experts", 0, 1 << 12, 8);
        var shared = config.Int("shared_intermediate_size", 0, 1 << 22, 1024);
        var read = GraniteArchitecture.ReadFactors(config, common, isHybrid: true);
        var attention = isRotated ? read.Layers[0] : read.Layers[0] with { Rotary = null };
        var mamba = new LayerAttention(null, 1) { Recurrence = ReadMamba(config, common) };
        read = read with { Layers = [.. ReadTypes(config, common.Shape.Layers).Select(isMamba => isMamba ? mamba : attention)] };
        if (experts == 0)
        {
            config.Watch("num_experts_per_tok");
            return shared > 0 ? read with { Shape = read.Shape with { IntermediateSize = shared } }
                : throw config.Unsupported("shared_intermediate_size", "0", "a width, where there are no experts");
        }

        return read with
        {
            Mixture = MixtureFields.Read(config, common.Activation, ("num_local_experts", 8, "num_experts"), 2,
                common.Shape.IntermediateSize, RouterScoring.SoftmaxOfChosen) with
            {
                SharedWidth = shared,
            },
        };
    }

    /// <summary>transformers applies them to prompts and not to what follows.</summary>
    /// <exception cref="InvalidDataException">There are some.</exception>
    private static void RefuseLimits(ConfigFile config)
    {
        const string Field = "time_step_limit";
        config.Watch(Field);
        if (!config.Has(Field))
            return;
        var text = config.Node(Field)!.ToJsonString();
        if (text is not ("[0,{\"__float__\":\"Infinity\"}]" or "[0.0,{\"__float__\":\"Infinity\"}]"))
            throw config.Unsupported(Field, text.Length <= 60 ? text : text[..60], "0 to infinity");
    }

    /// <summary>Whether each layer is Mamba-2.</summary>
    private static IReadOnlyList<bool> ReadTypes(ConfigFile config, int layers)
    {
        var field = config.Has(OldTypes) && !config.Has(Types) ? OldTypes : Types;
        return config.Has(field) ? HybridTypes.Read(config, field, layers)
            : throw config.Unsupported(field, "not set", "a list, since all layers would be Mamba-2");
    }

    private static MambaScan ReadMamba(ConfigFile config, DecoderConfig common)
    {
        if (common.Activation != Activation.Silu)
            throw config.Unsupported("hidden_act", $"{common.Activation}", "silu, which the convolutions have, too");
        var heads = config.Int("mamba_n_heads", 1, 1 << 12, 128);
        var inner = (long)config.Int("mamba_expand", 1, 64, 2) * common.Shape.HiddenSize;
        if (inner % heads != 0)
            throw config.Unsupported("mamba_n_heads", $"{heads}", $"divisors of mamba_expand · hidden_size ({inner})");
        var isAuto = !config.Has("mamba_d_head") || (config.Node("mamba_d_head")!.GetValueKind() == System.Text.Json.JsonValueKind.String
            && config.Text("mamba_d_head") == "auto");
        var size = isAuto ? (int)(inner / heads) : config.Int("mamba_d_head", 1, 1 << 20);
        if (size != inner / heads)
            throw config.Unsupported("mamba_d_head", $"{size}", $"{inner / heads}, so that {heads} heads make {inner}");
        if (size % 16 != 0 || size > MambaScan.HeadSizeMax)
            throw config.Unsupported("mamba_d_head", $"{size}", $"multiples of 16 up to {MambaScan.HeadSizeMax}");
        var groups = config.Int("mamba_n_groups", 1, heads, 1);
        if (heads % groups != 0)
            throw config.Unsupported("mamba_n_groups", $"{groups}", $"divisors of mamba_n_heads ({heads})");
        return new MambaScan(
            heads, size, config.Int("mamba_d_state", 1, MambaScan.StateSizeMax, 256), groups,
            config.Int("mamba_d_conv", 2, ShortConvolution.WidthMax, 4))
        {
            HasConvolutionBias = config.Bool("mamba_conv_bias", !config.Names("mamba_conv_bias")),
            HasBias = config.Bool("mamba_proj_bias", false),
        };
    }
}
