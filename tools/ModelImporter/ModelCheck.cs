using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Gguf;
using Parley.ModelImporter.Gguf.Tokenizers;
using Parley.PackageFormat;

namespace Parley.ModelImporter;

/// <summary>What an import would refuse, told before the weights are on this machine.</summary>
public static class ModelCheck
{
    /// <summary>Checks a folder that holds everything of a model but its weights.</summary>
    /// <exception cref="InvalidDataException">An import would refuse it; the message names file and field.</exception>
    public static void CheckConfiguration(string folder)
    {
        CheckpointReader.CheckDescription(folder);
        if (!HasTokenizer(folder))
        {
            throw new InvalidDataException($"{folder}: neither {TokenizerFiles.Json} nor {TokenizerFiles.SentencePiece} nor a "
                + $"*{TokenizerFiles.TiktokenEnding} is there: the model has no tokenizer beside it.");
        }
    }

    /// <summary>Checks the beginning of a GGUF file.</summary>
    /// <param name="folder">Where what belongs beside the file lies.</param>
    /// <param name="name">The file's name, for messages.</param>
    /// <param name="beginning">Its first bytes.</param>
    /// <param name="fileBytes">Its whole length.</param>
    /// <returns>False where its header goes on beyond the beginning, so that nothing can be said yet.</returns>
    /// <exception cref="InvalidDataException">The header is malformed, or an import would refuse the file.</exception>
    public static bool TryCheckGguf(string folder, string name, ReadOnlySpan<byte> beginning, long fileBytes)
    {
        if (beginning.Length < Math.Min(fileBytes, GgufHeader.BytesMax) && !GgufExtent.HoldsHeader(beginning))
            return false;
        var header = GgufHeader.Parse(beginning, fileBytes, name);
        var configuration = new GgufConfiguration(header, name);
        var config = File.Exists(Path.Combine(folder, ConfigFile.Name))
            ? CheckpointReader.CheckDescription(folder)
            : CheckpointReader.CheckConfiguration(ConfigFile.Parse(name, configuration.ToJson()));
        if (header.Tensors.FirstOrDefault(tensor => !Enum.TryParse<GgufType>(tensor.TypeName, out _)) is { } tensor)
        {
            throw new InvalidDataException($"{name}: tensor {tensor.Name} is of {tensor.TypeName}; read are "
                + $"{string.Join(", ", Enum.GetNames<GgufType>())}.");
        }

        if (!HasTokenizer(folder))
            _ = new GgufTokenizer(configuration.Metadata, config.Shape.VocabularySize, name).ToTokenizerJson();
        return true;
    }

    private static bool HasTokenizer(string folder) => TokenizerFiles.Choose(CheckpointFiles.Names(folder)) is not null;
}
