namespace Parley.ModelImporter.Architectures;

/// <summary>Gemma: norms that store what is above one, and scaled embeddings.</summary>
internal sealed class GemmaArchitecture : DecoderArchitecture
{
    public override string Name => "GemmaForCausalLM";

    public override string ModelType => "gemma";

    public override IReadOnlyList<int> ClassEnds { get; } = [1];

    protected override IReadOnlyList<string> NeverNull { get; } = ["head_dim", "num_key_value_heads"];

    protected override SizeDefaults Defaults { get; } = new(28, 3072, 24_576, 16, 16, 256_000, 8192, IsTied: true, HeadSize: 256);

    protected override bool NormAddsOne => true;

    protected override (string Field, string Default) ActivationField => ("hidden_act", "gelu_pytorch_tanh");

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        CommonFields.RefuseWindows(config);
        var bias = config.Bool("attention_bias", false);
        return common with
        {
            Layers = Repeat(common, Attention(common, Rotary(config, common).Read())),
            AttentionBias = bias,
            OutputBias = bias,
            EmbeddingScale = Math.Sqrt(common.Shape.HiddenSize),
        };
    }

    /// <summary>What the official releases call GELU is its approximation.</summary>
    protected override Activation ReadActivation(ConfigFile config) =>
        base.ReadActivation(config) is var activation && activation == Activation.Gelu ? Activation.GeluTanh : activation;
}
