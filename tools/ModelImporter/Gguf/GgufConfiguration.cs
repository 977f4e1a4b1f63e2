using System.Globalization;
using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf;

/// <summary>What GGUF metadata say of a Llama model, and <c>config.json</c> made of it.</summary>
internal sealed class GgufConfiguration
{
    private const string Architecture = "llama";

    private readonly GgufHeader _header;
    private readonly string _path;

    /// <exception cref="InvalidDataException">The architecture is another one, or a size is missing or out of range.</exception>
    public GgufConfiguration(GgufHeader header, string path)
    {
        (_header, _path) = (header, path);
        var architecture = _header.Metadata.GetValueOrDefault("general.architecture") as string;
        if (architecture != Architecture)
            throw new InvalidDataException($"{path}: general.architecture is {architecture ?? "missing"}; supported: {Architecture}.");
        var (hidden, heads) = (Size("embedding_length"), Size("attention.head_count"));
        var fallback = hidden % heads == 0 ? hidden / heads : (long?)null;
        HeadSize = (int)Size("attention.key_length", fallback);
        if (HeadSize % 2 != 0)
            throw new InvalidDataException($"{path}: {Architecture}.attention.key_length is {HeadSize}, an odd number.");
    }

    /// <summary>Rows of a head.</summary>
    public int HeadSize { get; }

    /// <summary>A <c>config.json</c> that says the same.</summary>
    /// <exception cref="InvalidDataException">Metadata are missing, or say what no field of it can say.</exception>
    public string ToJson()
    {
        var tensors = _header.Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        if (tensors.ContainsKey(GgufNames.RotaryFactors))
            throw NeedsConfig($"the tensor {GgufNames.RotaryFactors} stretches positions in a way that metadata do not tell");
        if (Size("rope.dimension_count", HeadSize) != HeadSize)
            throw NeedsConfig("rope.dimension_count is not the size of a head");
        var vocabulary = tensors.TryGetValue("token_embd.weight", out var embedding) ? embedding.Shape[0]
            : throw new InvalidDataException($"{_path}: tensor token_embd.weight is missing.");
        var heads = Size("attention.head_count");
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray("LlamaForCausalLM"),
            ["model_type"] = "llama",
            ["hidden_act"] = "silu",
            ["num_hidden_layers"] = Size("block_count"),
            ["hidden_size"] = Size("embedding_length"),
            ["intermediate_size"] = Size("feed_forward_length"),
            ["num_attention_heads"] = heads,
            ["num_key_value_heads"] = Size("attention.head_count_kv", heads),
            ["head_dim"] = HeadSize,
            ["vocab_size"] = vocabulary,
            ["max_position_embeddings"] = Size("context_length"),
            ["rms_norm_eps"] = Number("attention.layer_norm_rms_epsilon", null),
            ["rope_theta"] = Number("rope.freq_base", 10_000),
            ["tie_word_embeddings"] = !tensors.ContainsKey("output.weight"),
            ["attention_bias"] = tensors.ContainsKey("blk.0.attn_q.bias"),
            ["mlp_bias"] = tensors.ContainsKey("blk.0.ffn_gate.bias"),
        };
        if (Scaling() is { } scaling)
            config["rope_scaling"] = scaling;
        foreach (var token in new[] { "bos", "eos" })
        {
            if (_header.Metadata.GetValueOrDefault($"tokenizer.ggml.{token}_token_id") is long id)
                config[$"{token}_token_id"] = id;
        }

        return config.ToJsonString();
    }

    private JsonObject? Scaling() => _header.Metadata.GetValueOrDefault($"{Architecture}.rope.scaling.type") switch
    {
        null or "none" => null,
        "linear" => new JsonObject { ["rope_type"] = "linear", ["factor"] = Number("rope.scaling.factor", null) },
        var other => throw NeedsConfig($"{Architecture}.rope.scaling.type is {other}"),
    };

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
