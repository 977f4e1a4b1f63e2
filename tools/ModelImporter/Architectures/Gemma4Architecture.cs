namespace Parley.ModelImporter.Architectures;

/// <summary>
/// The text model of Gemma 4: scores as they are, norms of queries, keys and values, full layers with heads of their own, and by the model
/// embeddings per layer, layers that attend to the keys of others, and a mixture beside the MLP.
/// </summary>
internal sealed class Gemma4Architecture : DecoderArchitecture
{
    private const string Shared = "num_kv_shared_layers";
    private const string Bidirectional = "use_bidirectional_attention";
    private const int Pattern = 6;

    public override string Name => "Gemma4ForCausalLM";

    public override string ModelType => "gemma4_text";

    public override IReadOnlyList<int> ClassEnds { get; } = [1];

    protected override IReadOnlyList<string> NeverNull { get; } =
    [
        "head_dim", "num_key_value_heads", "sliding_window", "vocab_size_per_layer_input", "hidden_size_per_layer_input",
        "attention_k_eq_v", Shared, "enable_moe_block", "use_double_wide_mlp",
    ];

    protected override IReadOnlyList<string> ReadsItself { get; } = [Gemma4Heads.PerLayer, Bidirectional];

    protected override SizeDefaults Defaults { get; } = new(30, 2304, 9216, 8, 4, 262_144, 131_072, IsTied: true, HeadSize: 256);

    protected override TensorNames Names { get; } = Gemma2Architecture.SandwichNames with
    {
        Experts = new ExpertNames
        {
            Router = "router.proj",
            Experts = "experts",
            SharedGateUp = ["mlp.gate_proj", "mlp.up_proj"],
            SharedDown = "mlp.down_proj",
        },
    };

    /// <summary>As GGUF files have it.</summary>
    protected override IReadOnlyList<(string Found, string Known)> OtherNames { get; } = [(".layer_scalar.weight", ".layer_scalar")];

    protected override (string Field, string Default) ActivationField => ("hidden_activation", "gelu_pytorch_tanh");

    /// <summary>Layers that attend to the keys of others have some of their own in old checkpoints.</summary>
    public override bool Ignores(string tensor, DecoderConfig config) => base.Ignores(tensor, config)
        || config.Layers.Index().Where(layer => layer.Item.KeysOf is not null).Any(layer =>
            new[] { "k_proj", "v_proj", "k_norm", "v_norm" }.Any(module =>
                tensor.EndsWith($"layers.{layer.Index}.self_attn.{module}.weight", StringComparison.Ordinal)));

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        if (config.IsSet(Bidirectional) && config.Text(Bidirectional) is var seen && seen != "vision")
            throw config.Unsupported(Bidirectional, $"\"{seen}\"", "\"vision\", which leaves texts as they are, or null");
        var count = common.Shape.Layers;
        var slides = WindowFields.ReadTypes(config, count, layer => (layer + 1) % Pattern != 0).ToArray();
        // The class forces it.
        var isForced = slides[^1] && config.Has("layer_types");
        slides[^1] = false;
        var keysAreValues = config.Bool("attention_k_eq_v", false);
        var heads = Gemma4Heads.Read(config, common.Shape, slides, keysAreValues);
        var (full, local) = ReadPositions(config, common, heads, slides);
        var window = WindowFields.ReadWindow(config, 512);
        var keysOf = ReadShared(config, slides, heads);
        var bias = config.Bool("attention_bias", false);
        var isDouble = config.Bool("use_double_wide_mlp", false);
        var attention = new LayerAttention(full, 1) { HeadNorm = new HeadNorm(HeadNormKind.PerHead, common.Norm) };
        return common with
        {
            Layers =
            [
                .. slides.Select((slide, layer) => attention with
                {
                    Rotary = slide ? local : full,
                    Window = slide ? window : 0,
                    HeadSize = heads[layer].HeadSize,
                    KeyValueHeads = heads[layer].KeyValueHeads,
                    KeysOf = keysOf[layer],
                    NormalizesValues = keysOf[layer] is null,
                    KeysAreValues = keysOf[layer] is null && keysAreValues && !slide,
                }),
            ],
            AttentionBias = bias,
            OutputBias = bias,
            EmbeddingScale = Math.Sqrt(common.Shape.HiddenSize),
            LogitSoftcap = Gemma2Architecture.Softcap(config, "final_logit_softcapping", 0),
            DoubleLayers = Enumerable.Range(0, count).Where(layer => isDouble && keysOf[layer] is not null).ToHashSet(),
            HasStreamScales = true,
            PerLayer = ReadPerLayer(config, common.Shape.VocabularySize),
            Mixture = ReadMixture(config, common),
            Notes = isForced ? ["layer_types has a window in the last layer, which attends to everything, as in transformers."] : [],
        };
    }

    /// <summary>The class has defaults where nothing is said, and none within what is.</summary>
    private static (RotarySettings Full, RotarySettings Local) ReadPositions(
        ConfigFile config, DecoderConfig common, IReadOnlyList<(int KeyValueHeads, int HeadSize)> heads, bool[] slides)
    {
        const string Field = "rope_parameters";
        if (config.IsSet("rope_scaling"))
            throw config.Unsupported("rope_scaling", "set", $"{Field} by layer type");
        var rope = config.Object(Field)
            ?? ConfigFile.Parse(config.Path, """
                {"full_attention":{"rope_type":"proportional","partial_rotary_factor":0.25,"rope_theta":1000000.0},
                 "sliding_attention":{"rope_type":"default","rope_theta":10000.0}}
                """);
        return (Of(false, WindowFields.Full), Of(true, WindowFields.Sliding));

        RotarySettings Of(bool slide, string type)
        {
            var layer = Array.IndexOf(slides, slide);
            if (layer < 0)
                return new RotarySettings(1, RotaryScaling.None);
            var own = rope.Object(type)
                ?? throw config.Unsupported($"{Field}.{type}", "missing", "positions of each layer type that there is");
            return new RotaryFields(config, heads[layer].HeadSize, common.Shape.ContextTokensMax).Read(own);
        }
    }

    /// <summary>For each layer the one whose keys and values it uses: the last of its type of those that have their own.</summary>
    private static int?[] ReadShared(ConfigFile config, bool[] slides, IReadOnlyList<(int KeyValueHeads, int HeadSize)> heads)
    {
        var first = slides.Length - config.Int(Shared, 0, slides.Length - 1, 0);
        var keysOf = new int?[slides.Length];
        for (var layer = first; layer < slides.Length; layer++)
        {
            var source = Array.LastIndexOf(slides, slides[layer], first - 1);
            if (source < 0)
            {
                throw config.Unsupported(Shared, $"{slides.Length - first}",
                    $"so many that a layer of each type has keys of its own, which no {(slides[layer] ? "sliding" : "full")} one has");
            }

            if (heads[layer] != heads[source])
            {
                throw config.Unsupported(
                    Shared, $"{slides.Length - first}", $"layers with the heads of those whose keys they use ({source})");
            }

            keysOf[layer] = source;
        }

        return keysOf;
    }

    private static PerLayerSettings? ReadPerLayer(ConfigFile config, int vocabulary)
    {
        const string Rows = "vocab_size_per_layer_input";
        var width = config.Int("hidden_size_per_layer_input", 0, 1 << 14, 256);
        var rows = config.Int(Rows, 1, 1 << 26, 262_144);
        if (width > 0 && rows < vocabulary)
            throw config.Unsupported(Rows, $"{rows}", $"a row for each of the {vocabulary} tokens");
        return width == 0 ? null : new PerLayerSettings(width, rows);
    }

    private static MixtureSettings? ReadMixture(ConfigFile config, DecoderConfig common)
    {
        config.Watch("num_experts", "top_k_experts", "moe_intermediate_size");
        if (!config.Bool("enable_moe_block", false))
            return null;
        if (common.Activation is not (Activation.Silu or Activation.GeluTanh))
            throw config.Unsupported("hidden_activation", $"{common.Activation}", "silu or gelu_pytorch_tanh, where there are experts");
        var experts = config.Int("num_experts", 1, 1 << 12);
        var chosen = config.Int("top_k_experts", 1, 1 << 12);
        if (chosen > experts)
            throw config.Unsupported("top_k_experts", $"{chosen}", $"up to the {experts} experts");
        return new MixtureSettings(experts, chosen, config.Int("moe_intermediate_size", 1, 1 << 22), RouterScoring.SoftmaxOfAll)
        {
            Normalizes = true,
            Activation = common.Activation,
            HasExpertScales = true,
            IsSandwich = true,
            SharedWidth = common.Shape.IntermediateSize,
        };
    }
}
