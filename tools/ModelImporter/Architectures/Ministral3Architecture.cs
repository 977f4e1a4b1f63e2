namespace Parley.ModelImporter.Architectures;

/// <summary>Ministral 3: Mistral with queries that grow with their position.</summary>
internal sealed class Ministral3Architecture : DecoderArchitecture
{
    public override string Name => "Ministral3ForCausalLM";

    public override string ModelType => "ministral3";

    protected override IReadOnlyList<string> NeverNull { get; } = ["head_dim", "num_key_value_heads"];

    protected override SizeDefaults Defaults { get; } = new(34, 4096, 14_336, 32, 8, 131_072, 262_144, HeadSize: 128);

    protected override (string Field, double Default) EpsilonField => ("rms_norm_eps", 1e-5);

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        WindowFields.RefuseTypes(config, common.Shape.Layers);
        var field = config.IsSet("rope_scaling") ? "rope_scaling" : "rope_parameters";
        var rope = config.Object(field);
        // Without any, the class has some of its own.
        var rotary = rope is null
            ? new RotarySettings(1e6, RotaryScaling.Yarn, 16, OriginalContext: 16_384)
            : Rotary(config, common).Read();
        return common with
        {
            Layers = Repeat(common, Attention(common, rotary) with
            {
                Window = WindowFields.ReadWindow(config, null),
                QueryBeta = rope?.Number("llama_4_scaling_beta") ?? 0.1,
                QueryPositions = rotary.Scaling == RotaryScaling.Yarn
                    ? rotary.OriginalContext : rope!.Int("original_max_position_embeddings", 1, int.MaxValue),
            }),
        };
    }
}
