using System.Text.Json.Nodes;
using Parley.ModelImporter.Gguf.Families;
using Parley.ModelImporter.Gguf.Metadata;

namespace Parley.ModelImporter.Gguf;

/// <summary>What GGUF metadata say of a model, and <c>config.json</c> made of it.</summary>
internal sealed class GgufConfiguration
{
    private const string Embedding = "token_embd.weight";
    private const string Base = "rope.freq_base";
    private const string Scaled = "rope_scaling";
    private const string Rotary = "rope_parameters";

    private static readonly GgufFamily[] Families =
    [
        new LlamaGguf(), new Mistral3Gguf(), new Qwen2Gguf(), new Qwen3Gguf(), new Phi3Gguf(), new GemmaGguf(), new Gemma2Gguf(),
        new Gemma3Gguf(), new Gemma4Gguf(),
        new GraniteGguf(), new SmolLm3Gguf(), new Olmo2Gguf(), new Exaone4Gguf(), new Glm4Gguf(), new SeedOssGguf(),
        new Qwen3MoeGguf(), new OlmoeGguf(), new GraniteMoeGguf(), new Glm4MoeGguf(), new GptOssGguf(), new CommandRGguf(),
        new Cohere2Gguf(), new Ernie45Gguf(), new HunYuanDenseGguf(), new ArceeGguf(), new ApertusGguf(), new StableLmGguf(),
        new Starcoder2Gguf(), new NemotronGguf(), new Jais2Gguf(), new OlmoGguf(), new Lfm2Gguf(), new Lfm2MoeGguf(), new Qwen35Gguf(),
        new Qwen35MoeGguf(), new Qwen3NextGguf(), new GraniteHybridGguf(), new Deepseek2Gguf(),
    ];

    private const string FurtherKey = "nextn_predict_layers";

    /// <summary>Dimensions of a head that turn.</summary>
    private const string TurningKey = "rope.dimension_count";

    private readonly GgufHeader _header;
    private readonly GgufRotaryFactors _factors;
    private readonly GgufKeys _keys;
    private readonly string _path;

    /// <param name="header">Metadata, and the tensors of all files.</param>
    /// <param name="path">Named in messages.</param>
    /// <param name="factors">By what the frequency of each rotary pair is divided; null for nothing.</param>
    /// <exception cref="InvalidDataException">The architecture is another one, or a size is missing or out of range.</exception>
    public GgufConfiguration(GgufHeader header, string path, GgufRotaryFactors? factors = null)
    {
        (_header, _path, _factors) = (header, path, factors ?? GgufRotaryFactors.None);
        var architecture = _header.Metadata.GetValueOrDefault("general.architecture") as string;
        Family = Families.FirstOrDefault(family => family.Architecture == architecture)
            ?? throw new InvalidDataException($"{path}: general.architecture is {architecture ?? "missing"}; supported: "
                + $"{string.Join(", ", Families.Select(family => family.Architecture))}.");
        _keys = new GgufKeys(_header.Metadata, Family.Architecture, path);
        var (hidden, heads) = (_keys.Size("embedding_length"), _keys.Size("attention.head_count"));
        var fallback = hidden % heads == 0 ? hidden / heads : (long?)null;
        HeadSize = (int)(Family.IsLatent ? _keys.Size(TurningKey) : _keys.Size("attention.key_length", fallback));
        RefuseOtherMathematics();
        if (HeadSize % 2 != 0)
        {
            var key = Family.IsLatent ? TurningKey : "attention.key_length";
            throw new InvalidDataException($"{path}: {Family.Architecture}.{key} is {HeadSize}, an odd number.");
        }

    }

    /// <summary>Keys that change what llama.cpp or its converters mean by the weights, each with the value that does not.</summary>
    private static readonly (string Key, double Neutral)[] Neutral =
    [
        ("expert_count", 0), ("expert_used_count", 0), ("attention.scale", 0), ("logit_scale", 0), ("embedding_scale", 0),
        ("residual_scale", 0), ("attention.sliding_window", 0), ("attention.clamp_kqv", 0), ("attention.max_alibi_bias", 0),
        ("attn_logit_softcapping", 0), ("final_logit_softcapping", 0), ("rope.scaling.attn_factor", 1), ("attention.causal", 1),
        ("use_parallel_residual", 0), (FurtherKey, 0),
    ];

    /// <summary>All families, for whoever lists them.</summary>
    public static IReadOnlyList<GgufFamily> Known => Families;

    /// <summary>What kind of decoder it is.</summary>
    public GgufFamily Family { get; }

    /// <summary>Rows of a head; with latents those of what turns.</summary>
    public int HeadSize { get; }

    /// <summary>By what the frequency of each rotary pair is divided; null for nothing.</summary>
    public IReadOnlyList<float>? RotaryFactors => Family.ReadsFactors ? null : _factors.Always;

    /// <summary>The metadata, for what else is made of them.</summary>
    public IReadOnlyDictionary<string, object> Metadata => _header.Metadata;

    /// <summary>What the format has no words for, one sentence each.</summary>
    public IReadOnlyList<string> Notes => Family.Notes;

    /// <summary>A <c>config.json</c> that says the same.</summary>
    /// <exception cref="InvalidDataException">Metadata are missing, or say what no field of it can say.</exception>
    public string ToJson() => Fields(_ => false).ToJsonString();

    /// <summary>The fields of a <c>config.json</c> that says the same, but for those that are stated elsewhere.</summary>
    /// <param name="isStated">Whether one is.</param>
    /// <exception cref="InvalidDataException">Metadata are missing, or say what no field of it can say.</exception>
    public JsonObject Fields(Func<string, bool> isStated)
    {
        var statesScaling = isStated(Scaled) || isStated(Rotary);
        if (!statesScaling && RotaryFactors is { } factors
            && (factors.Count != HeadSize / 2 || factors.Any(factor => !(factor > 0 && factor < 1e9f))))
        {
            throw new InvalidDataException(
                $"{_path}: tensor {GgufNames.RotaryFactors} is not {HeadSize / 2} positive numbers, one for each rotary pair of a head.");
        }

        if (!isStated("hidden_size") && !Family.Honoured.Contains(TurningKey) && _keys.Size(TurningKey, HeadSize) != HeadSize)
            throw _keys.NeedsConfig($"{TurningKey} is not the size of a head");
        var tensors = _header.Tensors.Select(tensor => tensor.Name).ToHashSet(StringComparer.Ordinal);
        var config = new JsonObject();
        foreach (var (field, value) in Sizes())
            Add(field, () => value());
        Add("max_position_embeddings", () => _keys.Size("context_length"));
        if (Family.Epsilon is { Key: var key, Field: { } epsilon })
            Add(epsilon, () => _keys.Number(key));
        Add("rope_theta", () => _keys.Number(Base, Family.ClassBase));
        Add("tie_word_embeddings", () => !tensors.Contains("output.weight"));
        var own = OwnFields(config, new GgufSource(_keys, tensors, _factors, HeadSize), isStated);
        foreach (var (field, value) in own.Where(field => !isStated(field.Key) && !(statesScaling && field.Key is Scaled or Rotary)))
            config[field] = value?.DeepClone();
        return config;

        void Add(string field, Func<JsonNode> value)
        {
            if (!isStated(field))
                config[field] = value();
        }
    }

    /// <summary>The same with the fields of the family.</summary>
    private JsonObject OwnFields(JsonObject sizes, GgufSource source, Func<string, bool> isStated)
    {
        var fields = (JsonObject)sizes.DeepClone();
        try
        {
            Family.Complete(source, fields);
        }
        catch (InvalidDataException) when (isStated("model_type") && isStated("hidden_size"))
        {
            // What the metadata have no words for a whole configuration says; what is missing in it has a default of its own.
            return sizes;
        }

        return fields;
    }

    /// <summary>The sizes that the file states, by their names in <c>config.json</c>: what it is silent of is left out.</summary>
    public IEnumerable<(string Field, long Value)> StatedSizes() => Sizes()
        .Where(size => size.Field switch
        {
            "vocab_size" => _header.Tensors.Any(tensor => tensor.Name == Embedding),
            "head_dim" => true,
            "num_key_value_heads" => true,
            _ => _keys.Value(KeyOf(size.Field)) is not null,
        }).Select(size => (size.Field, size.Value()));

    /// <summary>Added to the mean square in each norm; null where the file does not say.</summary>
    public double? NormEpsilon => _keys.Value(Family.Epsilon.Key) as double?;

    /// <summary>Tensors of one number that stand among the metadata.</summary>
    /// <exception cref="InvalidDataException">They are missing or too few; the message names the key.</exception>
    public IEnumerable<GgufNumber> Numbers() => Family.Numbers(Metadata, (int)(_keys.Size("block_count") - Further), _path);

    /// <summary>
    /// Base of the frequencies, and by what all are divided; null where the file's way of scaling is one that it has no numbers for.
    /// </summary>
    public (double Base, double Factor)? Frequencies()
    {
        if (_keys.Value("rope.scaling.type") is not (null or "none" or "linear") || _keys.Value(Base) is not (null or double))
            return null;
        var source = new GgufSource(_keys, new HashSet<string>(), _factors, HeadSize);
        return (_keys.Value(Base) as double? ?? Family.ClassBase, source.Scaling()?["factor"]?.GetValue<double>() ?? 1);
    }

    private IEnumerable<(string Field, Func<long> Value)> Sizes() =>
    [
        ("num_hidden_layers", () => _keys.Size("block_count") - Further),
        ("hidden_size", () => _keys.Size("embedding_length")),
        ("intermediate_size", () => Family.Size(_keys, "intermediate_size")
            ?? _keys.Size("feed_forward_length", _keys.Count("expert_feed_forward_length"))),
        ("num_attention_heads", () => _keys.Size("attention.head_count")),
        .. Family.IsLatent ? [] : new (string, Func<long>)[]
        {
            ("num_key_value_heads", () => Family.Size(_keys, "num_key_value_heads")
                ?? _keys.Size("attention.head_count_kv", _keys.Size("attention.head_count"))),
            ("head_dim", () => Family.Size(_keys, "head_dim") ?? HeadSize),
        },
        ("vocab_size", () => _header.Tensors.FirstOrDefault(tensor => tensor.Name == Embedding)?.Shape[0]
            ?? throw new InvalidDataException($"{_path}: tensor {Embedding} is missing.")),
    ];

    /// <summary>Blocks behind the last layer that predict further tokens.</summary>
    private long Further => Family.Honoured.Contains(FurtherKey) ? _keys.Count(FurtherKey) ?? 0 : 0;

    private static string KeyOf(string field) => field switch
    {
        "num_hidden_layers" => "block_count",
        "hidden_size" => "embedding_length",
        "intermediate_size" => "feed_forward_length",
        _ => "attention.head_count",
    };

    /// <summary>A <c>generation_config.json</c> of what the metadata say of begin and ends of a text; null where they do not.</summary>
    /// <param name="vocabulary">Ids are below this number.</param>
    /// <exception cref="InvalidDataException">An id is not.</exception>
    public string? ToGenerationJson(int vocabulary)
    {
        var ends = GgufEndTokens.Read(_header.Metadata, vocabulary, _path);
        if (ends.Count == 0)
            return null;
        var config = new JsonObject { ["eos_token_id"] = new JsonArray([.. ends.Select(id => (JsonNode)id)]) };
        if (_header.Metadata.GetValueOrDefault("tokenizer.ggml.bos_token_id") is long begin and >= 0 && begin < vocabulary)
            config["bos_token_id"] = begin;
        if (_header.Metadata.GetValueOrDefault("tokenizer.ggml.padding_token_id") is long padding and >= 0 && padding < vocabulary)
            config["pad_token_id"] = padding;
        return config.ToJsonString();
    }

    private void RefuseOtherMathematics()
    {
        if (!Family.IsLatent && _keys.Size("attention.value_length", HeadSize) != HeadSize)
            throw _keys.Fault($"{Family.Architecture}.attention.value_length is not the size of a key, {HeadSize}.");
        foreach (var (key, neutral) in Neutral.Where(entry => !Family.Honoured.Contains(entry.Key)))
        {
            double? number = _keys.Value(key) switch
            {
                null => neutral,
                long whole => whole,
                double real => real,
                bool flag => flag ? 1 : 0,
                _ => null,
            };
            if (number != neutral)
                throw _keys.Unsupported(key, neutral);
        }
    }
}
