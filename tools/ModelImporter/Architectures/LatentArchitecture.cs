namespace Parley.ModelImporter.Architectures;

/// <summary>
/// Decoders with latent attention, DeepSeek's and those after it: experts beside an MLP that every token goes through, the first layers
/// dense. The first block behind the last layer, which predicts further tokens, makes drafts; transformers leaves it out.
/// </summary>
internal abstract class LatentArchitecture : DecoderArchitecture
{
    private const int SizeMax = 1 << 12;
    private const string Further = "num_nextn_predict_layers";

    public override IReadOnlyList<int> ClassEnds { get; } = [1];

    /// <summary>Sizes of the attention where the configuration does not give them.</summary>
    protected abstract LatentSettings LatentDefaults { get; }

    /// <summary>What saved configurations repeat, and what is of training.</summary>
    public override IReadOnlyList<string> Silent { get; } = [.. MixtureFields.Silent, "qk_head_dim", "num_mtp_layers"];

    /// <summary>As GGUF files have it.</summary>
    protected override IReadOnlyList<(string Found, string Known)> OtherNames { get; } =
        [(".mlp.exp_probs_b.bias", ".mlp.gate.e_score_correction_bias")];

    public override bool Ignores(string tensor, DecoderConfig config) =>
        base.Ignores(tensor, config) || FurtherBlocks.Holds(tensor, config.Shape.Layers);

    protected override LatentSettings? ReadLatent(ConfigFile config)
    {
        config.RefuseNull("kv_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim");
        var defaults = LatentDefaults;
        int? queryRank = config.Names("q_lora_rank") && !config.Has("q_lora_rank")
            ? null : config.Int("q_lora_rank", 1, 1 << 16, defaults.QueryRank);
        var latent = new LatentSettings(
            queryRank,
            config.Int("kv_lora_rank", 1, PackageFormat.LatentShape.RankMax, defaults.Rank),
            config.Int("qk_nope_head_dim", 1, SizeMax, defaults.PlainSize),
            config.Int("qk_rope_head_dim", 2, PackageFormat.LatentShape.RotaryMax, defaults.RotarySize),
            config.Int("v_head_dim", 1, SizeMax, defaults.ValueSize));
        if (latent.Rank % 16 != 0)
            throw config.Unsupported("kv_lora_rank", $"{latent.Rank}", "multiples of 16");
        if (latent.RotarySize % 2 != 0)
            throw config.Unsupported("qk_rope_head_dim", $"{latent.RotarySize}", "even numbers");
        if (config.Int("head_dim", 1, SizeMax, latent.RotarySize) is var size && size != latent.RotarySize)
            throw config.Unsupported("head_dim", $"{size}", $"the same as qk_rope_head_dim, {latent.RotarySize}");
        return latent;
    }

    /// <summary>Layers that are alike but for their MLP.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="common">What all families have.</param>
    /// <param name="isInterleaved">Pairs that turn are neighbours.</param>
    /// <param name="mixture">The experts of layers that have any.</param>
    /// <param name="partial">What the part that turns is where it is not given; null where the class does not read it.</param>
    protected static DecoderConfig ReadLayers(
        ConfigFile config, DecoderConfig common, bool isInterleaved, MixtureSettings mixture, double? partial = null)
    {
        CommonFields.RefuseWindows(config);
        var latent = common.Latent!;
        var rotary = new RotaryFields(config, latent.RotarySize, common.Shape.ContextTokensMax)
        {
            IsInterleaved = isInterleaved,
            DefaultPartial = partial,
        }.Read();
        if (rotary.Dimensions is { } part)
            throw config.Unsupported("partial_rotary_factor", $"a part of {part} of {latent.RotarySize} dimensions", "all of them");
        var bias = config.Bool("attention_bias", false);
        config.Watch(Further);
        var further = config.Has(Further) ? config.Int(Further, 0, 1 << 10) : 0;
        var attention = new LayerAttention(rotary, ScoreFactor(config, rotary) / Math.Sqrt(latent.QuerySize));
        return common with
        {
            Layers = Repeat(common, attention),
            Drafter = further == 0 ? null : attention,
            AttentionBias = bias,
            OutputBias = bias,
            Mixture = mixture with
            {
                Scale = config.Positive("routed_scaling_factor", 1e6, mixture.Scale),
                SharedWidth = mixture.Width * config.Int("n_shared_experts", 0, 1 << 12, mixture.SharedWidth),
            },
            Notes = [.. common.Notes, .. FurtherBlocks.Notes(Further, further)],
        };
    }

    /// <summary>What scores are multiplied with beside their size where positions are stretched: the square of mscale_all_dim's.</summary>
    private static double ScoreFactor(ConfigFile config, RotarySettings rotary)
    {
        var rope = config.Object(config.IsSet("rope_scaling") ? "rope_scaling" : "rope_parameters");
        if (rope is null || rotary.Scaling == RotaryScaling.None || rope.Number("mscale_all_dim", 0) is not (not 0 and var weight))
            return 1;
        var magnitude = rotary.Factor <= 1 ? 1 : (0.1 * weight * Math.Log(rotary.Factor)) + 1;
        return magnitude * magnitude;
    }
}
