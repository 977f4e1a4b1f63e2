namespace Parley.ModelImporter.Architectures;

/// <summary>
/// Qwen3-Next: gated delta rules whose linears are stored together, attention with gates, and experts in all layers or some.
/// </summary>
internal sealed class Qwen3NextArchitecture : DecoderArchitecture
{
    public override string Name => "Qwen3NextForCausalLM";

    public override string ModelType => "qwen3_next";

    public override IReadOnlyList<int> ClassEnds { get; } = [];

    protected override IReadOnlyList<string> NeverNull { get; } =
        [.. GatedDeltaFields.MixtureNeverNull, "decoder_sparse_step", "norm_topk_prob"];

    protected override SizeDefaults Defaults { get; } = new(48, 2048, 5632, 16, 2, 151_936, 32_768, HeadSize: 256);

    protected override bool NormAddsOne => true;

    protected override TensorNames Names { get; } = GatedDeltaFields.Names;

    protected override IReadOnlyList<(string Found, string Known)> OtherNames { get; } = GatedDeltaFields.OtherNames;

    public override IReadOnlyList<string> Silent { get; } = [.. GatedDeltaFields.Silent, .. MixtureFields.Silent];

    public override bool Ignores(string tensor, DecoderConfig config) =>
        base.Ignores(tensor, config) || GatedDeltaFields.IsFurther(tensor, config);

    protected override string? RenameOther(string tensor, IReadOnlySet<string> known) => GatedDeltaFields.RenameFurther(tensor, known);

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        var read = GatedDeltaFields.Read(config, common, isStacked: true);
        var step = config.Int("decoder_sparse_step", 1, 1 << 12, 1);
        var dense = config.WholeNumbers("mlp_only_layers");
        if (config.Has("num_experts") && config.Int("num_experts", 0, int.MaxValue) == 0)
            return read;
        return read with
        {
            Mixture = GatedDeltaFields.ReadMixture(config, common.Activation, 512, 10) with
            {
                Normalizes = config.Bool("norm_topk_prob", true),
                DenseLayers = Enumerable.Range(0, common.Shape.Layers)
                    .Where(layer => (layer + 1) % step != 0 || dense.Contains(layer)).ToHashSet(),
            },
        };
    }
}
