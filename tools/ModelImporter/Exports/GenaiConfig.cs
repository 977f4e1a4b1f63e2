using System.Text;
using System.Text.Json.Nodes;
using Parley.ModelImporter.Architectures;

namespace Parley.ModelImporter.Exports;

/// <summary>What is read of a <c>genai_config.json</c>.</summary>
internal sealed class GenaiConfig
{
    private const int SizeMax = 1 << 24;

    /// <summary>Parts of a model beside a decoder that runs in one graph.</summary>
    private static readonly string[] OtherParts = ["encoder", "vision", "speech", "embedding", "encoder_decoder_init"];

    /// <summary>Fields of <c>search</c> that mean the same in a <c>generation_config.json</c>.</summary>
    private static readonly string[] SearchFields =
        ["do_sample", "temperature", "top_k", "top_p", "repetition_penalty", "min_length", "no_repeat_ngram_size", "num_beams"];

    private readonly ConfigFile _model;
    private readonly ConfigFile _decoder;
    private readonly ConfigFile? _search;

    private GenaiConfig(ConfigFile model, ConfigFile decoder, ConfigFile? search) => (_model, _decoder, _search) = (model, decoder, search);

    /// <summary>Name of the graph, in the same folder.</summary>
    public string FileName => _decoder.Text("filename");

    public string Type => _model.Text("type");

    public int Context => _model.Int("context_length", 1, SizeMax);

    public int Vocabulary => _model.Int("vocab_size", 1, SizeMax);

    public int HiddenSize => _decoder.Int("hidden_size", 1, SizeMax);

    public int HeadSize => _decoder.Int("head_size", 1, SizeMax);

    public int QueryHeads => _decoder.Int("num_attention_heads", 1, SizeMax);

    public int KeyValueHeads => _decoder.Int("num_key_value_heads", 1, SizeMax, QueryHeads);

    public int Layers => _decoder.Int("num_hidden_layers", 1, SizeMax);

    /// <summary>Reads a file.</summary>
    /// <exception cref="InvalidDataException">It is malformed, or of a model that is more than one graph.</exception>
    public static GenaiConfig Open(string path)
    {
        var file = ConfigFile.OpenFile(path);
        var model = file.Object("model") ?? throw new InvalidDataException($"{path}: model is missing.");
        var decoder = model.Object("decoder") ?? throw new InvalidDataException($"{path}: model.decoder is missing.");
        if (OtherParts.FirstOrDefault(model.Has) is { } part)
            throw model.Unsupported(part, "there", "models that are one decoder");
        if (decoder.IsSet("pipeline"))
            throw decoder.Unsupported("pipeline", "there", "decoders of one graph");
        var name = decoder.Text("filename");
        if (name != Path.GetFileName(name) || !name.EndsWith(".onnx", StringComparison.Ordinal))
            throw decoder.Unsupported("filename", name, "the name of an .onnx file in the same folder");
        return new GenaiConfig(model, decoder, file.Object("search"));
    }

    /// <summary>The graph's name for an input or output.</summary>
    /// <param name="isInput">Whether it is an input.</param>
    /// <param name="field">As the file calls it.</param>
    /// <param name="usual">What it is where the file does not say.</param>
    public string NameOf(bool isInput, string field, string usual) =>
        _decoder.Object(isInput ? "inputs" : "outputs")?.Text(field, usual) ?? usual;

    /// <summary>A <c>config.json</c> of what this file says of the model.</summary>
    public byte[] MakeConfig()
    {
        var config = new JsonObject
        {
            ["model_type"] = Type,
            ["vocab_size"] = Vocabulary,
            ["hidden_size"] = HiddenSize,
            ["num_hidden_layers"] = Layers,
            ["num_attention_heads"] = QueryHeads,
            ["num_key_value_heads"] = KeyValueHeads,
            ["head_dim"] = HeadSize,
            ["max_position_embeddings"] = Context,
        };
        AddIds(config);
        return Bytes(config);
    }

    /// <summary>A <c>generation_config.json</c> of its <c>search</c>.</summary>
    public byte[] MakeGeneration()
    {
        var generation = new JsonObject();
        AddIds(generation);
        foreach (var field in SearchFields.Where(field => _search?.Has(field) == true))
            generation[field] = _search!.Node(field);
        return Bytes(generation);
    }

    private void AddIds(JsonObject made)
    {
        foreach (var field in new[] { "bos_token_id", "eos_token_id", "pad_token_id" })
        {
            _model.CheckIds(field, Vocabulary);
            if (_model.Has(field))
                made[field] = _model.Node(field);
        }
    }

    private static byte[] Bytes(JsonObject made) => Encoding.UTF8.GetBytes(made.ToJsonString() + "\n");
}
