using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Gguf;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter;

/// <summary>
/// A checkpoint, opened and checked: the configuration is understood, and every tensor that it asks for is there
/// with its shape.
/// </summary>
internal sealed class CheckpointReader : IDisposable
{
    /// <summary>Name of the file that says how answers are sampled and ended.</summary>
    public const string GenerationName = "generation_config.json";

    private static readonly IArchitecture[] Architectures =
    [
        new LlamaArchitecture(), new MistralArchitecture(), new MinistralArchitecture(), new Ministral3Architecture(),
        new Qwen2Architecture(), new Qwen3Architecture(), new Phi3Architecture(), new GemmaArchitecture(), new Gemma2Architecture(),
        new Gemma3Architecture(), new GraniteArchitecture(), new SmolLm3Architecture(), new OlmoArchitecture(), new Olmo2Architecture(),
        new Olmo3Architecture(), new CohereArchitecture(), new Cohere2Architecture(), new GlmArchitecture(), new Glm4Architecture(),
        new Exaone4Architecture(), new SeedOssArchitecture(), new Ernie45Architecture(), new HunYuanDenseArchitecture(),
        new ArceeArchitecture(), new ApertusArchitecture(), new StableLmArchitecture(), new Starcoder2Architecture(),
        new NemotronArchitecture(), new HeliumArchitecture(), new Jais2Architecture(),
    ];

    /// <summary>All families, for whoever lists them.</summary>
    public static IReadOnlyList<IArchitecture> Known => Architectures;

    private readonly Lazy<IReadOnlyList<(string Name, byte[] Bytes)>> _made;

    private CheckpointReader(DecoderConfig config, DecoderWeights weights, CheckpointTensors tensors, bool hasEnds)
    {
        Config = config;
        Weights = weights;
        Tensors = tensors;
        _made = new(() => tensors.Gguf is { } gguf
            ? GgufMadeFiles.Make(gguf, tensors.Folder, config.Shape.VocabularySize, hasEnds) : []);
    }

    public DecoderConfig Config { get; }

    public DecoderWeights Weights { get; }

    public CheckpointTensors Tensors { get; }

    /// <summary>Files that were made of GGUF metadata, since the checkpoint brings none of its own, by name.</summary>
    /// <exception cref="InvalidDataException">The metadata are malformed, or say what is not read.</exception>
    public IReadOnlyList<(string Name, byte[] Bytes)> Made => _made.Value;

    /// <summary>The checkpoint's folder.</summary>
    public string Folder => Tensors.Folder;

    /// <summary>Opens a checkpoint folder, or a GGUF file.</summary>
    /// <exception cref="InvalidDataException">Something in it is missing, malformed or unsupported; the message names file and field or
    /// tensor.</exception>
    public static CheckpointReader Open(string source)
    {
        var tensors = HasConfig(source) || !CheckpointFiles.HasGguf(source) ? null : CheckpointTensors.Open(source);
        try
        {
            var file = OpenConfig(source, tensors?.Gguf);
            var (architecture, read) = ReadArchitecture(file);
            var config = WithGguf(read, tensors?.Gguf);
            tensors ??= CheckpointTensors.Open(source);
            var known = architecture.Weights(config with { Shape = config.Shape with { TiedEmbeddings = false } }).Names();
            tensors.Rename(name => architecture.Rename(name, known));
            config = HeadTying.Resolve(architecture, config, tensors);
            var weights = architecture.Weights(config);
            weights.Check(tensors, config.Shape, architecture.Ignores);
            return new CheckpointReader(config, weights, tensors, HasEnds(source, file, config.Shape.VocabularySize));
        }
        catch
        {
            tensors?.Dispose();
            throw;
        }
    }

    /// <summary>Reads the configuration alone.</summary>
    /// <exception cref="InvalidDataException">As <see cref="Open"/>.</exception>
    public static DecoderConfig ReadConfig(string source)
    {
        using var tensors = HasConfig(source) || !CheckpointFiles.HasGguf(source) ? null : CheckpointTensors.Open(source);
        var file = OpenConfig(source, tensors?.Gguf);
        return ReadArchitecture(file).Config;
    }

    /// <summary>Checks the JSON files of a folder whose weights are not there yet.</summary>
    /// <exception cref="InvalidDataException">As <see cref="Open"/>.</exception>
    public static DecoderConfig CheckDescription(string folder)
    {
        var file = ConfigFile.Open(folder);
        var config = CheckConfiguration(file);
        HasEnds(folder, file, config.Shape.VocabularySize);
        return config;
    }

    /// <summary>Checks a configuration by itself.</summary>
    /// <exception cref="InvalidDataException">As <see cref="Open"/>.</exception>
    public static DecoderConfig CheckConfiguration(ConfigFile file) => ReadArchitecture(file).Config;

    /// <summary>The weights that a configuration asks for.</summary>
    public static DecoderWeights WeightsOf(DecoderConfig config) =>
        Architectures.Single(architecture => architecture.Name == config.Architecture).Weights(config);

    public void Dispose() => Tensors.Dispose();

    private static bool HasConfig(string source) => SourceFile.Exists(Path.Combine(CheckpointTensors.FolderOf(source), ConfigFile.Name));

    private static ConfigFile OpenConfig(string source, GgufFile? gguf) =>
        gguf is null ? ConfigFile.Open(CheckpointTensors.FolderOf(source)) : ConfigFile.Parse(gguf.Path, gguf.Configuration.ToJson());

    /// <summary>What a GGUF file says beside the <c>config.json</c> that was made of it.</summary>
    private static DecoderConfig WithGguf(DecoderConfig config, GgufFile? gguf) => gguf is null ? config : config with
    {
        Layers = config.WithRotary(rotary => rotary with { Divisors = gguf.Configuration.RotaryFactors }).Layers,
        Notes = [.. config.Notes, .. gguf.Configuration.Notes],
    };

    /// <summary>
    /// Whether the checkpoint's JSON files say which tokens end an answer: generation_config.json if it is there, else config.json. An id
    /// that the model cannot give would never end one, so it is refused in both.
    /// </summary>
    private static bool HasEnds(string source, ConfigFile config, int vocabularySize)
    {
        const string Ends = "eos_token_id";
        config.CheckIds(Ends, vocabularySize);
        var generation = Path.Combine(CheckpointTensors.FolderOf(source), GenerationName);
        if (!SourceFile.Exists(generation))
            return config.Has(Ends);
        ConfigFile.OpenFile(generation).CheckIds(Ends, vocabularySize);
        return true;
    }

    /// <summary>By <c>model_type</c>, as transformers does; <c>architectures</c> is what somebody saved it from.</summary>
    private static (IArchitecture Architecture, DecoderConfig Config) ReadArchitecture(ConfigFile file)
    {
        var text = TextModel.Of(file, out var type);
        var types = string.Join(", ", Architectures.Select(architecture => architecture.ModelType).Concat(TextModel.ModelTypes));
        if (type is null)
            throw text.Unsupported("model_type", "missing", $"{types}; transformers goes by it and not by architectures");
        var architecture = Architectures.FirstOrDefault(architecture => architecture.ModelType == type)
            ?? throw text.Unsupported("model_type", $"\"{type}\"", types);
        var config = architecture.ReadConfig(text);
        PositionRules.Check(config, file.Path);
        return (architecture, text.IsPart ? TextModel.Complete(file, config) : config);
    }
}
