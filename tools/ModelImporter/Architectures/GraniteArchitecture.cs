namespace Parley.ModelImporter.Architectures;

/// <summary>Granite 3: Llama with factors on embeddings, attention, updates and logits.</summary>
internal sealed class GraniteArchitecture : DecoderArchitecture
{
    public override string Name => "GraniteForCausalLM";

    public override string ModelType => "granite";

    protected override SizeDefaults Defaults { get; } = new(32, 4096, 11_008, 32, null, 32_000, 2048);

    private const double FactorMax = 1e6;

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common) =>
        ReadFactors(config, common) with { MlpBias = config.Bool("mlp_bias", false) };

    /// <summary>What the families with experts have, too.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="common">What all families have.</param>
    /// <param name="isHybrid">Types of layers are the family's own.</param>
    public static DecoderConfig ReadFactors(ConfigFile config, DecoderConfig common, bool isHybrid = false)
    {
        if (!isHybrid)
            CommonFields.RefuseWindows(config);
        var rotary = Rotary(config, common).Read();
        return ReadFactors(config, common, scale => Repeat(common, new LayerAttention(rotary, scale)));
    }

    /// <summary>The same with layers of the family's own.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="common">What all families have.</param>
    /// <param name="layers">Makes the layers, given the factor on query · key.</param>
    public static DecoderConfig ReadFactors(
        ConfigFile config, DecoderConfig common, Func<double, IReadOnlyList<LayerAttention>> layers)
    {
        config.RefuseNull("embedding_multiplier", "residual_multiplier", "logits_scaling", "attention_multiplier");
        var bias = config.Bool("attention_bias", false);
        return common with
        {
            Layers = layers(config.Positive("attention_multiplier", FactorMax, 1)),
            AttentionBias = bias,
            OutputBias = bias,
            EmbeddingScale = config.Positive("embedding_multiplier", FactorMax, 1),
            ResidualScale = config.Positive("residual_multiplier", FactorMax, 1),
            LogitScale = 1 / config.Positive("logits_scaling", FactorMax, 1),
        };
    }
}
