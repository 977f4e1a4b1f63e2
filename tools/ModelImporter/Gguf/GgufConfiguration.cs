using System.Globalization;
using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf;

/// <summary>What GGUF metadata say of a Llama model, and <c>config.json</c> made of it.</summary>
internal sealed class GgufConfiguration
{
    private const string Architecture = "llama";
    private const string Embedding = "token_embd.weight";
    private const string Epsilon = "attention.layer_norm_rms_epsilon";
    private const string Base = "rope.freq_base";
    private const string Scaled = "rope_scaling";
    private const string Rotary = "rope_parameters";
    private const double DefaultBase = 10_000;

    private readonly GgufHeader _header;
    private readonly string _path;

    /// <param name="header">Metadata, and the tensors of all files.</param>
    /// <param name="path">Named in messages.</param>
    /// <param name="rotaryFactors">By what the frequency of each rotary pair is divided; null for nothing.</param>
    /// <exception cref="InvalidDataException">The architecture is another one, or a size is missing or out of range.</exception>
    public GgufConfiguration(GgufHeader header, string path, IReadOnlyList<float>? rotaryFactors = null)
    {
        (_header, _path, RotaryFactors) = (header, path, rotaryFactors);
        var architecture = _header.Metadata.GetValueOrDefault("general.architecture") as string;
        if (architecture != Architecture)
            throw new InvalidDataException($"{path}: general.architecture is {architecture ?? "missing"}; supported: {Architecture}.");
        var (hidden, heads) = (Size("embedding_length"), Size("attention.head_count"));
        var fallback = hidden % heads == 0 ? hidden / heads : (long?)null;
        HeadSize = (int)Size("attention.key_length", fallback);
        RefuseOtherMathematics();
        if (HeadSize % 2 != 0)
            throw new InvalidDataException($"{path}: {Architecture}.attention.key_length is {HeadSize}, an odd number.");
    }

    /// <summary>Keys that change what llama.cpp or its converters mean by the weights, each with the value that does not.</summary>
    private static readonly (string Key, double Neutral)[] Neutral =
    [
        ("expert_count", 0), ("expert_used_count", 0), ("attention.scale", 0), ("logit_scale", 0), ("embedding_scale", 0),
        ("residual_scale", 0), ("attention.sliding_window", 0), ("attention.clamp_kqv", 0), ("attention.max_alibi_bias", 0),
        ("attn_logit_softcapping", 0), ("final_logit_softcapping", 0), ("rope.scaling.attn_factor", 1), ("attention.causal", 1),
        ("use_parallel_residual", 0), ("nextn_predict_layers", 0),
    ];

    /// <summary>Rows of a head.</summary>
    public int HeadSize { get; }

    /// <summary>By what the frequency of each rotary pair is divided; null for nothing.</summary>
    public IReadOnlyList<float>? RotaryFactors { get; }

    /// <summary>The metadata, for what else is made of them.</summary>
    public IReadOnlyDictionary<string, object> Metadata => _header.Metadata;

    /// <summary>What the format has no words for, one sentence each.</summary>
    public static IReadOnlyList<string> Notes { get; } =
    [
        "a GGUF file of this architecture cannot say whether attention has a window (Mistral 7B v0.1: 4096), nor that positions are scaled "
        + "dynamically: every position attends to all before it. Put the model's config.json beside the file where it has one of these.",
    ];

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

        if (!isStated("hidden_size") && Size("rope.dimension_count", HeadSize) != HeadSize)
            throw NeedsConfig("rope.dimension_count is not the size of a head");
        var tensors = _header.Tensors.Select(tensor => tensor.Name).ToHashSet(StringComparer.Ordinal);
        var config = new JsonObject();
        Add("architectures", () => new JsonArray("LlamaForCausalLM"));
        Add("model_type", () => "llama");
        Add("hidden_act", () => "silu");
        foreach (var (field, value) in Sizes())
            Add(field, () => value());
        Add("max_position_embeddings", () => Size("context_length"));
        Add("rms_norm_eps", () => Number(Epsilon, null));
        Add("rope_theta", () => Number(Base, DefaultBase));
        Add("tie_word_embeddings", () => !tensors.Contains("output.weight"));
        Add("attention_bias", () => tensors.Contains("blk.0.attn_q.bias"));
        Add("mlp_bias", () => tensors.Contains("blk.0.ffn_gate.bias"));
        if (!statesScaling && Scaling() is { } scaling)
            config[Scaled] = scaling;
        return config;

        void Add(string field, Func<JsonNode> value)
        {
            if (!isStated(field))
                config[field] = value();
        }
    }

    /// <summary>The sizes that the file states, by their names in <c>config.json</c>: what it is silent of is left out.</summary>
    public IEnumerable<(string Field, long Value)> StatedSizes() => Sizes()
        .Where(size => size.Field switch
        {
            "vocab_size" => _header.Tensors.Any(tensor => tensor.Name == Embedding),
            "head_dim" => true,
            "num_key_value_heads" => true,
            _ => Value(KeyOf(size.Field)) is not null,
        }).Select(size => (size.Field, size.Value()));

    /// <summary>Added to the mean square in each norm; null where the file does not say.</summary>
    public double? NormEpsilon => Value(Epsilon) as double?;

    /// <summary>
    /// Base of the frequencies, and by what all are divided; null where the file's way of scaling is one that it has no numbers for.
    /// </summary>
    public (double Base, double Factor)? Frequencies()
    {
        if (Value("rope.scaling.type") is not (null or "none" or "linear") || Value(Base) is not (null or double))
            return null;
        return (Value(Base) as double? ?? DefaultBase, Scaling()?["factor"]?.GetValue<double>() ?? 1);
    }

    private IEnumerable<(string Field, Func<long> Value)> Sizes() =>
    [
        ("num_hidden_layers", () => Size("block_count")),
        ("hidden_size", () => Size("embedding_length")),
        ("intermediate_size", () => Size("feed_forward_length")),
        ("num_attention_heads", () => Size("attention.head_count")),
        ("num_key_value_heads", () => Size("attention.head_count_kv", Size("attention.head_count"))),
        ("head_dim", () => HeadSize),
        ("vocab_size", () => _header.Tensors.FirstOrDefault(tensor => tensor.Name == Embedding)?.Shape[0]
            ?? throw new InvalidDataException($"{_path}: tensor {Embedding} is missing.")),
    ];

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

    /// <summary>
    /// llama.cpp's defaults: scaling is linear where no type is given, its factor may stand under an older key, and without one there
    /// is none.
    /// </summary>
    private JsonObject? Scaling()
    {
        const string Type = "rope.scaling.type";
        var type = Value(Type) ?? "linear";
        if (type is "none")
            return null;
        if (type is not "linear")
            throw NeedsConfig($"{Architecture}.{Type} is {type}");
        var key = Value("rope.scaling.factor") is null ? "rope.scale_linear" : "rope.scaling.factor";
        return Value(key) switch
        {
            null or 0.0 => null,
            _ => new JsonObject { ["rope_type"] = "linear", ["factor"] = Number(key, null) },
        };
    }

    private void RefuseOtherMathematics()
    {
        if (Size("attention.value_length", HeadSize) != HeadSize)
            throw new InvalidDataException($"{_path}: {Architecture}.attention.value_length is not the size of a key, {HeadSize}.");
        foreach (var (key, neutral) in Neutral)
        {
            double? number = Value(key) switch
            {
                null => neutral,
                long whole => whole,
                double real => real,
                bool flag => flag ? 1 : 0,
                _ => null,
            };
            if (number != neutral)
            {
                throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture,
                    $"{_path}: {Architecture}.{key} is {Value(key)}; supported: {neutral}, which is the same without it."));
            }
        }
    }

    private InvalidDataException NeedsConfig(string reason) =>
        new($"{_path}: {reason}; put the model's config.json from the Hugging Face Hub beside the file.");

    private long Size(string key, long? fallback = null) =>
        (Value(key) ?? fallback) is long and > 0 and <= int.MaxValue and var size ? size : throw Bad(key);

    private double Number(string key, double? fallback) =>
        (Value(key) ?? fallback) is double and > 0 and var number && double.IsFinite(number) ? number : throw Bad(key);

    private object? Value(string key) => _header.Metadata.GetValueOrDefault($"{Architecture}.{key}");

    private InvalidDataException Bad(string key) => new(string.Create(CultureInfo.InvariantCulture,
        $"{_path}: {Architecture}.{key} is {Value(key) ?? "missing or a list"}, not a positive number."));
}
