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
        var files = new DescriptionFiles(folder);
        CheckpointReader.CheckDescription(files, ConfigFile.Open(folder));
        if (files.Tokenizer is null)
        {
            throw new InvalidDataException($"{folder}: neither {TokenizerFiles.Json} nor {TokenizerFiles.SentencePiece} nor a "
                + $"*{TokenizerFiles.TiktokenEnding} is there: the model has no tokenizer beside it.");
        }
    }

    /// <summary>Whether the beginning of a GGUF file is long enough for <see cref="CheckGguf"/>.</summary>
    /// <param name="beginning">The file's first bytes.</param>
    /// <param name="fileBytes">Its whole length.</param>
    public static bool HoldsHeader(ReadOnlySpan<byte> beginning, long fileBytes) =>
        beginning.Length >= Math.Min(fileBytes, GgufHeader.BytesMax) || GgufExtent.HoldsHeader(beginning);

    /// <summary>Checks the beginning of a GGUF file, or those of all files that a model was split into.</summary>
    /// <param name="root">The folder of the repository, with what describes the model in it or beside the file.</param>
    /// <param name="parts">The files in order: name from the root, first bytes, and whole length.</param>
    /// <exception cref="InvalidDataException">A header is malformed or not wholly there, or an import would refuse the file.</exception>
    public static void CheckGguf(string root, params IReadOnlyList<(string Name, ReadOnlyMemory<byte> Beginning, long Bytes)> parts)
    {
        var headers = parts.Select(part => GgufHeader.Parse(part.Beginning.Span, part.Bytes, part.Name)).ToArray();
        var name = parts[0].Name;
        for (var i = 0; i < headers.Length; i++)
        {
            GgufSplit.Check(headers[i], i, headers.Length, parts[i].Name);
            CheckTypes(headers[i], parts[i].Name);
        }

        var whole = headers[0] with { Tensors = [.. headers.SelectMany(header => header.Tensors)] };
        GgufSplit.CheckCount(headers[0], whole.Tensors.Count, name);
        var gguf = new GgufConfiguration(whole, name);
        var files = new DescriptionFiles(Path.GetDirectoryName(Path.Combine(root, name))!);
        var beside = CheckpointReader.FindConfig(files);
        var config = CheckpointReader.CheckDescription(files, GgufBeside.Merge(gguf, beside, name));
        GgufBeside.CheckSizes(config, gguf, beside, name);
        if (files.Tokenizer is null)
            _ = new GgufTokenizer(gguf.Metadata, config.Shape.VocabularySize, name).ToTokenizerJson();
    }

    private static void CheckTypes(GgufHeader header, string name)
    {
        if (header.Tensors.FirstOrDefault(tensor => !Enum.TryParse<GgufType>(tensor.TypeName, out _)) is { } tensor)
        {
            throw new InvalidDataException($"{name}: tensor {tensor.Name} is of {tensor.TypeName}; read are "
                + $"{string.Join(", ", Enum.GetNames<GgufType>())}. Fetch a file of the same model in one of these, such as Q4_K_M, Q8_0 "
                + "or BF16.");
        }
    }
}
