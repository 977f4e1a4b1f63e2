namespace Parley.ModelImporter.Architectures;

/// <summary>Seed-OSS: Llama with biases on query, key and value.</summary>
internal sealed class SeedOssArchitecture : DecoderArchitecture
{
    public override string Name => "SeedOssForCausalLM";

    public override string ModelType => "seed_oss";

    protected override IReadOnlyList<string> NeverNull { get; } = ["attention_out_bias"];

    protected override SizeDefaults Defaults { get; } = new(64, 4096, 27_648, 80, 8, 155_136, 524_288, HeadSize: 128);

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        CommonFields.RefuseWindows(config);
        return common with
        {
            Layers = Repeat(common, Attention(common, Rotary(config, common).Read())),
            AttentionBias = config.Bool("attention_bias", true),
            OutputBias = config.Bool("attention_out_bias", false),
            MlpBias = config.Bool("mlp_bias", false),
        };
    }
}
