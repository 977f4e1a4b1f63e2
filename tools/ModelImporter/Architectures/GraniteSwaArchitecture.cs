namespace Parley.ModelImporter.Architectures;

/// <summary>Granite with windows: sinks in every layer, and a rotary base for each, where 0 is none.</summary>
internal sealed class GraniteSwaArchitecture : DecoderArchitecture
{
    private const string Bases = "layer_rope_theta";

    public override string Name => "GraniteSWAForCausalLM";

    public override string ModelType => "granite_swa";

    public override IReadOnlyList<int> ClassEnds { get; } = [100_257];

    protected override SizeDefaults Defaults { get; } = new(24, 2560, 8192, 20, 4, 100_352, 8192, IsTied: true);

    protected override (string Field, double Default) EpsilonField => ("rms_norm_eps", 1e-5);

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        var count = common.Shape.Layers;
        var slides = WindowFields.ReadTypes(config, count, layer => layer % 4 != 0);
        var windows = WindowFields.Of(config, slides, WindowFields.ReadWindow(config, 128));
        var rotary = Rotary(config, common).Read();
        var bases = config.Has(Bases) ? config.NumbersFrom0(Bases) : [.. Enumerable.Repeat(rotary.Theta, count)];
        if (bases.Count < count)
            throw config.Unsupported(Bases, $"a list of {bases.Count}", $"one for each of the {count} layers");
        var read = GraniteArchitecture.ReadFactors(config, common, scale =>
        [
            .. windows.Select((window, layer) => new LayerAttention(bases[layer] == 0 ? null : rotary with { Theta = bases[layer] }, scale)
            {
                Window = window,
                HasSinks = true,
            }),
        ]);
        return read with { MlpBias = config.Bool("mlp_bias", false) };
    }
}
