namespace Parley.ModelImporter.Architectures;

/// <summary>Mistral 7B, Nemo and Small: a window for every layer, where there is one.</summary>
internal sealed class MistralArchitecture : DecoderArchitecture
{
    public override string Name => "MistralForCausalLM";

    public override string ModelType => "mistral";

    protected override IReadOnlyList<string> NeverNull { get; } = ["num_key_value_heads"];

    protected override SizeDefaults Defaults { get; } = new(32, 4096, 14_336, 32, 8, 32_000, 4096 * 32);

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        WindowFields.RefuseTypes(config, common.Shape.Layers);
        return common with
        {
            Layers = Repeat(common, Attention(common, Rotary(config, common).Read()) with
            {
                Window = WindowFields.ReadWindow(config, 4096),
            }),
        };
    }
}
