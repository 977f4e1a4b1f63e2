using Parley.PackageFormat;

namespace Parley.ModelImporter.Architectures;

/// <summary>
/// A family of decoders in parts that all have: sizes, norms, positions, windows, an MLP. A family says what differs, with the defaults of
/// transformers' configuration class.
/// </summary>
internal abstract class DecoderArchitecture : IArchitecture
{
    private const string Prefix = DecoderTensors.Prefix;

    /// <summary>Where multimodal checkpoints keep the text model, the longest first.</summary>
    private static readonly string[] TextPrefixes = ["model.language_model.", "language_model.model.", "language_model."];

    private static readonly string[] TowerPrefixes =
    [
        "vision_tower.", "model.vision_tower.", "multi_modal_projector.", "model.multi_modal_projector.", "model.visual.", "visual.",
        "audio_tower.", "model.audio_tower.", "embed_vision.", "model.embed_vision.", "embed_audio.", "model.embed_audio.",
    ];

    public abstract string Name { get; }

    public abstract string ModelType { get; }

    public virtual IReadOnlyList<int> ClassEnds { get; } = [2];

    /// <summary>Sizes where the configuration does not give them.</summary>
    protected abstract SizeDefaults Defaults { get; }

    /// <summary>What the family calls its modules.</summary>
    protected virtual TensorNames Names { get; } = new();

    /// <summary>Field of the activation, and its default.</summary>
    protected virtual (string Field, string Default) ActivationField => ("hidden_act", "silu");

    /// <summary>Field of what is added in norms, null where it is the class's own, and its default.</summary>
    protected virtual (string? Field, double Default) EpsilonField => ("rms_norm_eps", 1e-6);

    /// <summary>How the norms normalise.</summary>
    protected virtual NormKind NormKind => NormKind.RootMeanSquare;

    /// <summary>Whether norms store what is above one.</summary>
    protected virtual bool NormAddsOne => false;

    /// <summary>A field <c>head_dim</c> is read; else it is the part of the hidden size, whatever stands there.</summary>
    protected virtual bool HasHeadSize => true;

    /// <summary>Parts of names as some checkpoints have them, each with what it is called here.</summary>
    protected virtual IReadOnlyList<(string Found, string Known)> OtherNames => [];

    /// <summary>Fields beside those of all families that transformers' class does not let be null.</summary>
    protected virtual IReadOnlyList<string> NeverNull => [];

    /// <summary>Fields that others refuse where they are set, and this family reads.</summary>
    protected virtual IReadOnlyList<string> ReadsItself => [];

    /// <summary>Fields of the family's own that change nothing.</summary>
    public virtual IReadOnlyList<string> Silent => [];

    public DecoderConfig ReadConfig(ConfigFile config)
    {
        CommonFields.RefuseOtherMathematics(config, ReadsItself);
        config.RefuseNull([.. NeverNull]);
        var shape = ReadShape(config);
        var (field, epsilon) = EpsilonField;
        if (field is not null)
        {
            config.RefuseNull(field);
            epsilon = config.Positive(field, 1, epsilon);
        }

        var norm = new NormSettings(NormKind, (float)epsilon, NormAddsOne);
        var activation = ReadActivation(config);
        var read = Read(config, new DecoderConfig(Name, shape, norm, [])
        {
            Latent = ReadLatent(config),
            Activation = activation,
        });
        // What stretches with the text goes as far as it is meant to.
        if (read.Layers.Select(layer => layer.Rotary).FirstOrDefault(rotary => rotary is { Scaling: RotaryScaling.Dynamic }) is { } dynamic)
        {
            var context = (int)Math.Min(int.MaxValue, Math.Max(dynamic.Factor, 1) * shape.ContextTokensMax);
            read = read with { Shape = read.Shape with { ContextTokensMax = context } };
        }

        return read with
        {
            Shape = read.Shape with
            {
                Mixture = read.Mixture is { } mixture ? new(mixture.Experts, mixture.Chosen, mixture.Width) : null,
                KeylessLayers = NullIfEmpty([.. read.Layers.Index()
                    .Where(layer => layer.Item.Recurrence is not null || layer.Item.KeysOf is not null).Select(layer => layer.Index)]),
                OtherHeads = NullIfEmpty(OtherHeads(read)),
                PerLayerWidth = read.PerLayer?.Width,
                WidestMlp = read.DoubleLayers.Count > 0 ? 2 * read.Shape.IntermediateSize : null,
                States = NullIfEmpty([.. read.Layers.Index().SelectMany(layer => layer.Item.Recurrence?.States(layer.Index) ?? [])]),
            },
            Notes = [.. read.Notes, .. CommonFields.Notes(config, Name, Silent)],
        };
    }

    public DecoderWeights Weights(DecoderConfig config) => new DecoderTensors(config, Names).ToWeights();

    /// <summary>
    /// Checkpoints of the base model lack the prefix, some tools give it to the head, too, and multimodal ones have others.
    /// </summary>
    public string Rename(string tensor, IReadOnlySet<string> known)
    {
        foreach (var prefix in TextPrefixes)
        {
            if (tensor.StartsWith(prefix, StringComparison.Ordinal) && RenameText(tensor[prefix.Length..], known) is { } renamed)
                return renamed;
        }

        return RenameText(tensor, known) ?? tensor;
    }

    /// <summary>Frequencies that old checkpoints stored are computed anew; towers of a multimodal checkpoint stay where they are.</summary>
    public virtual bool Ignores(string tensor, DecoderConfig config) =>
        tensor.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal)
        || TowerPrefixes.Any(prefix => tensor.StartsWith(prefix, StringComparison.Ordinal));

    /// <summary>Reads what is the family's own.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="common">What all families have; its layers are still empty.</param>
    protected abstract DecoderConfig Read(ConfigFile config, DecoderConfig common);

    /// <summary>Reads the sizes of a latent attention; null where heads have keys and values.</summary>
    protected virtual LatentSettings? ReadLatent(ConfigFile config) => null;

    /// <summary>Reads the function of the MLP.</summary>
    protected virtual Activation ReadActivation(ConfigFile config) =>
        Activations.Read(config, ActivationField.Field, ActivationField.Default);

    /// <summary>The same attention in every layer, with the scale of its head size.</summary>
    protected static LayerAttention Attention(DecoderConfig config, RotarySettings? rotary) =>
        new(rotary, 1 / Math.Sqrt(config.Shape.HeadSize));

    /// <summary>As many as there are layers.</summary>
    protected static IReadOnlyList<LayerAttention> Repeat(DecoderConfig config, LayerAttention attention) =>
        [.. Enumerable.Repeat(attention, config.Shape.Layers)];

    /// <summary>Positions with the family's defaults.</summary>
    protected static RotaryFields Rotary(ConfigFile config, DecoderConfig common) =>
        new(config, common.Shape.HeadSize, common.Shape.ContextTokensMax);

    private static List<LayerHeads> OtherHeads(DecoderConfig config) =>
    [
        .. Enumerable.Range(0, config.Shape.Layers)
            .Select(layer => new LayerHeads(layer, config.KeyValueHeadsOf(layer), config.HeadSizeOf(layer)))
            .Where(heads => (heads.KeyValueHeads, heads.HeadSize) != (config.Shape.KeyValueHeads, config.Shape.HeadSize)),
    ];

    private static List<T>? NullIfEmpty<T>(List<T> list) => list.Count == 0 ? null : list;

    /// <summary>The known name of a tensor that the family's checkpoints call otherwise; null for none.</summary>
    protected virtual string? RenameOther(string tensor, IReadOnlySet<string> known) => null;

    private string? RenameText(string tensor, IReadOnlySet<string> known) => RenameKnown(tensor, known) ?? RenameOther(tensor, known)
        ?? OtherNames.Where(other => tensor.Contains(other.Found, StringComparison.Ordinal))
            .Select(other => RenameKnown(tensor.Replace(other.Found, other.Known, StringComparison.Ordinal), known))
            .FirstOrDefault(name => name is not null);

    private static string? RenameKnown(string tensor, IReadOnlySet<string> known) =>
        known.Contains(tensor) ? tensor
        : tensor.StartsWith(Prefix, StringComparison.Ordinal) && known.Contains(tensor[Prefix.Length..]) ? tensor[Prefix.Length..]
        : known.Contains(Prefix + tensor) ? Prefix + tensor
        : null;

    private ModelShape ReadShape(ConfigFile config)
    {
        var defaults = Defaults;
        var hidden = config.Int("hidden_size", 1, 1 << 20, defaults.Hidden);
        var heads = config.Int("num_attention_heads", 1, 1 << 14, defaults.Heads);
        // A missing field has the class's default, null means as many as heads.
        var keyValueHeads = config.Int("num_key_value_heads", 1, 1 << 14,
            config.Names("num_key_value_heads") ? heads : defaults.KeyValueHeads ?? heads);
        if (heads % keyValueHeads != 0)
            throw config.Unsupported("num_key_value_heads", $"{keyValueHeads}", $"divisors of num_attention_heads ({heads})");
        var latent = ReadLatent(config);
        if (latent is not null && keyValueHeads != heads)
            throw config.Unsupported("num_key_value_heads", $"{keyValueHeads}", $"the same as num_attention_heads ({heads})");
        var headSize = latent?.QuerySize ?? ReadHeadSize(config, hidden, heads);
        return new ModelShape(
            config.Int("num_hidden_layers", 1, 1 << 12, defaults.Layers),
            hidden,
            config.Int("intermediate_size", 1, 1 << 22, defaults.Intermediate),
            heads,
            latent is null ? keyValueHeads : 1,
            headSize,
            config.Int("vocab_size", 1, 1 << 26, defaults.Vocabulary),
            config.Int("max_position_embeddings", 1, int.MaxValue, defaults.Context),
            config.Bool("tie_word_embeddings", defaults.IsTied))
        {
            Latent = latent is null ? null : new LatentShape(latent.Rank, latent.RotarySize),
        };
    }

    private int ReadHeadSize(ConfigFile config, int hidden, int heads)
    {
        int? part = hidden % heads == 0 ? hidden / heads : null;
        if (!HasHeadSize && config.Has("head_dim") && config.Int("head_dim", 1, 1 << 12) != part)
            throw config.Unsupported("head_dim", "set", $"hidden_size / num_attention_heads, {part}");
        var headSize = !HasHeadSize ? part ?? throw config.Unsupported("hidden_size", $"{hidden}", $"multiples of {heads} heads")
            : config.Int("head_dim", 1, 1 << 12, config.Names("head_dim") ? part : Defaults.HeadSize ?? part);
        if (headSize % 16 != 0)
            throw config.Unsupported("head_dim", $"{headSize}", "multiples of 16");
        return headSize;
    }
}
