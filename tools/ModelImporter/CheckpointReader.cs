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

    private static readonly IArchitecture[] Architectures = [new LlamaArchitecture()];

    private CheckpointReader(DecoderConfig config, DecoderWeights weights, CheckpointTensors tensors)
    {
        Config = config;
        Weights = weights;
        Tensors = tensors;
    }

    public DecoderConfig Config { get; }

    public DecoderWeights Weights { get; }

    public CheckpointTensors Tensors { get; }

    /// <summary>The <c>config.json</c> that was made of GGUF metadata; null where the checkpoint brings its own.</summary>
    public string? MadeConfig { get; private init; }

    /// <summary>
    /// The <c>generation_config.json</c> that was made of GGUF metadata; null where the checkpoint itself names its ends.
    /// </summary>
    public string? MadeGenerationConfig { get; private init; }

    /// <summary>Opens a checkpoint folder, or a GGUF file.</summary>
    /// <exception cref="InvalidDataException">Something in it is missing, malformed or unsupported; the message names file and field or
    /// tensor.</exception>
    public static CheckpointReader Open(string source)
    {
        var tensors = HasConfig(source) || !CheckpointFiles.HasGguf(source) ? null : CheckpointTensors.Open(source);
        try
        {
            var file = OpenConfig(source, tensors?.Gguf);
            var architecture = FindArchitecture(file);
            var config = architecture.ReadConfig(file);
            tensors ??= CheckpointTensors.Open(source);
            var known = architecture.Weights(config with { Shape = config.Shape with { TiedEmbeddings = false } }).Names();
            tensors.Rename(name => architecture.Rename(name, known));
            config = HeadTying.Resolve(architecture, config, tensors);
            var weights = architecture.Weights(config);
            weights.Check(tensors, config.Shape, architecture.Ignores);
            return new CheckpointReader(config, weights, tensors)
            {
                MadeConfig = HasConfig(source) ? null : tensors.Gguf?.Configuration.ToJson(),
                MadeGenerationConfig = HasEnds(source, file, config.Shape.VocabularySize)
                    ? null : tensors.Gguf?.Configuration.ToGenerationJson(config.Shape.VocabularySize),
            };
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
        return FindArchitecture(file).ReadConfig(file);
    }

    /// <summary>Checks the JSON files of a folder whose weights are not there yet.</summary>
    /// <exception cref="InvalidDataException">As <see cref="Open"/>.</exception>
    public static void CheckDescription(string folder)
    {
        var file = ConfigFile.Open(folder);
        HasEnds(folder, file, FindArchitecture(file).ReadConfig(file).Shape.VocabularySize);
    }

    /// <summary>Checks a configuration by itself.</summary>
    /// <exception cref="InvalidDataException">As <see cref="Open"/>.</exception>
    public static void CheckConfiguration(ConfigFile file) => FindArchitecture(file).ReadConfig(file);

    /// <summary>The weights that a configuration asks for.</summary>
    public static DecoderWeights WeightsOf(DecoderConfig config) =>
        Architectures.Single(architecture => architecture.Name == config.Architecture).Weights(config);

    public void Dispose() => Tensors.Dispose();

    private static bool HasConfig(string source) => SourceFile.Exists(Path.Combine(CheckpointTensors.FolderOf(source), ConfigFile.Name));

    private static ConfigFile OpenConfig(string source, GgufFile? gguf) =>
        gguf is null ? ConfigFile.Open(CheckpointTensors.FolderOf(source)) : ConfigFile.Parse(gguf.Path, gguf.Configuration.ToJson());

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
    private static IArchitecture FindArchitecture(ConfigFile file)
    {
        var types = string.Join(", ", Architectures.Select(architecture => architecture.ModelType));
        if (!file.Has("model_type"))
            throw file.Unsupported("model_type", "missing", $"{types}; transformers goes by it and not by architectures");
        var type = file.Text("model_type");
        return Architectures.FirstOrDefault(architecture => architecture.ModelType == type)
            ?? throw file.Unsupported("model_type", $"\"{type}\"", types);
    }
}
