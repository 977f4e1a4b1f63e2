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
            var weights = architecture.Weights(config);
            tensors ??= CheckpointTensors.Open(source);
            weights.Check(tensors, config.Shape, name => architecture.Ignores(name, config));
            return new CheckpointReader(config, weights, tensors)
            {
                MadeConfig = HasConfig(source) ? null : tensors.Gguf?.Configuration.ToJson(),
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

    /// <summary>The weights that a configuration asks for.</summary>
    public static DecoderWeights WeightsOf(DecoderConfig config) =>
        Architectures.Single(architecture => architecture.Name == config.Architecture).Weights(config);

    public void Dispose() => Tensors.Dispose();

    private static bool HasConfig(string source) => File.Exists(Path.Combine(CheckpointTensors.FolderOf(source), ConfigFile.Name));

    private static ConfigFile OpenConfig(string source, GgufFile? gguf) =>
        gguf is null ? ConfigFile.Open(CheckpointTensors.FolderOf(source)) : ConfigFile.Parse(gguf.Path, gguf.Configuration.ToJson());

    private static IArchitecture FindArchitecture(ConfigFile file)
    {
        var names = file.Texts("architectures");
        return Architectures.FirstOrDefault(architecture => names.Contains(architecture.Name))
            ?? throw file.Unsupported(
                "architectures", names.Count == 0 ? "missing" : string.Join(", ", names),
                    string.Join(", ", Architectures.Select(a => a.Name)));
    }
}
