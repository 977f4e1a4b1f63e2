using System.Text;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Gguf;
using Parley.ModelImporter.Gguf.Tokenizers;
using Parley.PackageFormat;

namespace Parley.ModelImporter;

/// <summary>The files of a Hugging Face folder that are made of a GGUF file's metadata where none lie beside it.</summary>
internal static class GgufMadeFiles
{
    private const string TemplateName = "chat_template.jinja";

    /// <summary>Makes those that are missing, by name.</summary>
    /// <param name="gguf">The file, the first of several.</param>
    /// <param name="folder">Its folder: what lies there wins.</param>
    /// <param name="vocabularySize">Rows of the embedding.</param>
    /// <param name="hasEnds">Whether the files of the folder say which tokens end an answer.</param>
    /// <exception cref="InvalidDataException">The metadata are malformed, or say what is not read.</exception>
    public static IReadOnlyList<(string Name, byte[] Bytes)> Make(GgufFile gguf, string folder, int vocabularySize, bool hasEnds)
    {
        var present = CheckpointFiles.Names(folder).ToHashSet(StringComparer.Ordinal);
        var made = new List<(string Name, byte[] Bytes)>();
        if (!present.Contains(ConfigFile.Name))
            made.Add((ConfigFile.Name, Encoding.UTF8.GetBytes(gguf.Configuration.ToJson() + "\n")));
        if (!hasEnds && gguf.Configuration.ToGenerationJson(vocabularySize) is { } generation)
            made.Add((CheckpointReader.GenerationName, Encoding.UTF8.GetBytes(generation + "\n")));

        var chosen = TokenizerFiles.Choose(present);
        var tokenizer = new GgufTokenizer(gguf.Configuration.Metadata, vocabularySize, gguf.Path);
        if (chosen is null)
            made.Add((TokenizerFiles.Json, tokenizer.ToTokenizerJson()));
        // The classes of other tokenizers read this file, and would read what is not theirs.
        if (!present.Contains(GgufTokenizer.ConfigName) && chosen is null)
            made.Add((GgufTokenizer.ConfigName, tokenizer.ToConfigJson()));
        if (chosen is null && !present.Contains(TemplateName) && !Directory.Exists(Path.Combine(folder, TokenizerFiles.MoreTemplates)))
            made.AddRange(tokenizer.Templates());
        return made;
    }
}
