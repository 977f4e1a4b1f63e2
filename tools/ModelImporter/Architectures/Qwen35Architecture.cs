namespace Parley.ModelImporter.Architectures;

/// <summary>The text model of Qwen3.5, 3.6 and 3.8: gated delta rules, and attention with gates in every fourth layer.</summary>
internal sealed class Qwen35Architecture : DecoderArchitecture
{
    public override string Name => "Qwen3_5ForCausalLM";

    public override string ModelType => "qwen3_5_text";

    public override IReadOnlyList<int> ClassEnds { get; } = [];

    protected override IReadOnlyList<string> NeverNull { get; } = GatedDeltaFields.NeverNull;

    protected override SizeDefaults Defaults { get; } = new(32, 4096, 12_288, 16, 4, 248_320, 32_768, HeadSize: 256);

    protected override bool NormAddsOne => true;

    protected override TensorNames Names { get; } = GatedDeltaFields.Names;

    protected override IReadOnlyList<(string Found, string Known)> OtherNames { get; } = GatedDeltaFields.OtherNames;

    public override IReadOnlyList<string> Silent { get; } = GatedDeltaFields.Silent;

    public override bool Ignores(string tensor, DecoderConfig config) =>
        base.Ignores(tensor, config) || GatedDeltaFields.IsFurther(tensor, config);

    protected override string? RenameOther(string tensor, IReadOnlySet<string> known) => GatedDeltaFields.RenameFurther(tensor, known);

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common) =>
        GatedDeltaFields.Read(config, common, isStacked: false);
}
