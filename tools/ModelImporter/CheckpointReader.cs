using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter;

/// <summary>
/// A Hugging Face checkpoint folder, opened and checked: the configuration is understood, and every tensor that it asks for is there
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

    /// <summary>Opens a folder.</summary>
    /// <exception cref="InvalidDataException">Something in it is missing, malformed or unsupported; the message names file and field or
    /// tensor.</exception>
    public static CheckpointReader Open(string folder)
    {
        var file = ConfigFile.Open(folder);
        var architecture = FindArchitecture(file);
        var config = architecture.ReadConfig(file);
        var weights = architecture.Weights(config);
        var tensors = CheckpointTensors.Open(folder);
        try
        {
            weights.Check(tensors, config.Shape, name => architecture.Ignores(name, config));
            return new CheckpointReader(config, weights, tensors);
        }
        catch
        {
            tensors.Dispose();
            throw;
        }
    }

    /// <summary>Reads the configuration of a folder alone.</summary>
    /// <exception cref="InvalidDataException">As <see cref="Open"/>.</exception>
    public static DecoderConfig ReadConfig(string folder)
    {
        var file = ConfigFile.Open(folder);
        return FindArchitecture(file).ReadConfig(file);
    }

    /// <summary>The weights that a configuration asks for.</summary>
    public static DecoderWeights WeightsOf(DecoderConfig config) =>
        Architectures.Single(architecture => architecture.Name == config.Architecture).Weights(config);

    public void Dispose() => Tensors.Dispose();

    private static IArchitecture FindArchitecture(ConfigFile file)
    {
        var names = file.Texts("architectures");
        return Architectures.FirstOrDefault(architecture => names.Contains(architecture.Name))
            ?? throw file.Unsupported(
                "architectures", names.Count == 0 ? "missing" : string.Join(", ", names),
                    string.Join(", ", Architectures.Select(a => a.Name)));
    }
}
