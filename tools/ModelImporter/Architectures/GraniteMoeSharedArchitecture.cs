namespace Parley.ModelImporter.Architectures;

/// <summary>Granite 3 with experts and an MLP that every token goes through.</summary>
internal sealed class GraniteMoeSharedArchitecture : DecoderArchitecture
{
    public override string Name => "GraniteMoeSharedForCausalLM";

    public override string ModelType => "granitemoeshared";

    protected override SizeDefaults Defaults { get; } = new(32, 4096, 11_008, 32, null, 32_000, 2048);

    protected override TensorNames Names { get; } = GraniteMoeArchitecture.BlockNames;

    protected override IReadOnlyList<(string Found, string Known)> OtherNames { get; } = GraniteMoeArchitecture.BlockOtherNames;

    public override IReadOnlyList<string> Silent { get; } = MixtureFields.Silent;

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        config.RefuseNull("shared_intermediate_size");
        var read = GraniteMoeArchitecture.ReadShared(config, common);
        return read with { Mixture = read.Mixture! with { SharedWidth = config.Int("shared_intermediate_size", 0, 1 << 22, 0) } };
    }
}
