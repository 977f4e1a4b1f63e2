namespace Parley.ModelImporter.Architectures;

/// <summary>Ministral: Mistral with windows by layer.</summary>
internal sealed class MinistralArchitecture : DecoderArchitecture
{
    public override string Name => "MinistralForCausalLM";

    public override string ModelType => "ministral";

    protected override IReadOnlyList<string> NeverNull { get; } = ["num_key_value_heads"];

    protected override SizeDefaults Defaults { get; } = new(32, 4096, 14_336, 32, 8, 32_000, 4096 * 32);

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        var window = WindowFields.ReadWindow(config, 4096);
        var slides = WindowFields.ReadTypes(config, common.Shape.Layers, _ => window > 0);
        var attention = Attention(common, Rotary(config, common).Read());
        return common with
        {
            Layers = [.. WindowFields.Of(config, slides, window).Select(tokens => attention with { Window = tokens })],
        };
    }
}
