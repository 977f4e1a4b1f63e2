namespace Parley.ModelImporter.Architectures;

/// <summary>The same with experts in all layers.</summary>
internal sealed class Qwen35MoeArchitecture : DecoderArchitecture
{
    public override string Name => "Qwen3_5MoeForCausalLM";

    public override string ModelType => "qwen3_5_moe_text";

    public override IReadOnlyList<int> ClassEnds { get; } = [];

    protected override IReadOnlyList<string> NeverNull { get; } = GatedDeltaFields.MixtureNeverNull;

    /// <summary>No layer is dense, so the third changes nothing.</summary>
    protected override SizeDefaults Defaults { get; } = new(40, 2048, 512, 16, 2, 248_320, 32_768, HeadSize: 256);

    protected override bool NormAddsOne => true;

    protected override TensorNames Names { get; } = GatedDeltaFields.Names;

    protected override IReadOnlyList<(string Found, string Known)> OtherNames { get; } = GatedDeltaFields.OtherNames;

    public override IReadOnlyList<string> Silent { get; } = [.. GatedDeltaFields.Silent, .. MixtureFields.Silent];

    public override bool Ignores(string tensor, DecoderConfig config) =>
        base.Ignores(tensor, config) || GatedDeltaFields.IsFurther(tensor, config);

    protected override string? RenameOther(string tensor, IReadOnlySet<string> known) => GatedDeltaFields.RenameFurther(tensor, known);

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common) =>
        GatedDeltaFields.Read(config, common, isStacked: false) with
        {
            Mixture = GatedDeltaFields.ReadMixture(config, common.Activation, 256, 8),
        };
}
