namespace Parley.ModelImporter.Architectures;

/// <summary>Llama 2 and 3, SmolLM2 and every other checkpoint whose <c>model_type</c> is <c>llama</c>.</summary>
internal sealed class LlamaArchitecture : DecoderArchitecture
{
    public override string Name => "LlamaForCausalLM";

    public override string ModelType => "llama";

    protected override SizeDefaults Defaults { get; } = new(32, 4096, 11_008, 32, null, 32_000, 2048);

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        CommonFields.RefuseWindows(config);
        var bias = config.Bool("attention_bias", false);
        return common with
        {
            Layers = Repeat(common, Attention(common, Rotary(config, common).Read())),
            AttentionBias = bias,
            OutputBias = bias,
            MlpBias = config.Bool("mlp_bias", false),
        };
    }
}
