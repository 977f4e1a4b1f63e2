using System.Text;
using System.Text.Json.Nodes;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Gguf;
using Parley.ModelImporter.Gguf.Tokenizers;
using Parley.PackageFormat;

namespace Parley.ModelImporter;

/// <summary>
/// The files of a Hugging Face folder that are made of a GGUF file's metadata where none lie beside it. Of those that do, what they say
/// stays, and what they are silent of is filled in.
/// </summary>
internal static class GgufMadeFiles
{
    private const string TemplateName = "chat_template.jinja";
    private const string TemplateField = "chat_template";
    private const string ClassField = "tokenizer_class";

    /// <summary>Makes those that are missing, or lack something, by name.</summary>
    /// <param name="gguf">The file, the first of several.</param>
    /// <param name="files">What lies beside it.</param>
    /// <param name="vocabularySize">Rows of the embedding.</param>
    /// <exception cref="InvalidDataException">The metadata are malformed, or say what is not read.</exception>
    public static IReadOnlyList<(string Name, byte[] Bytes)> Make(GgufFile gguf, DescriptionFiles files, int vocabularySize)
    {
        var configuration = gguf.Configuration;
        var made = new List<(string Name, byte[] Bytes)>();
        var beside = CheckpointReader.FindConfig(files);
        var config = GgufBeside.Merge(configuration, beside, gguf.Path);
        if (beside is null || config.SetFields.Count() > beside.SetFields.Count())
            made.Add((ConfigFile.Name, Bytes(config)));
        if (MakeGeneration(configuration, files, beside, vocabularySize) is { } generation)
            made.Add((CheckpointReader.GenerationName, Bytes(generation)));

        var tokenizer = new GgufTokenizer(configuration.Metadata, vocabularySize, gguf.Path);
        if (files.Tokenizer is null)
            made.Add((TokenizerFiles.Json, tokenizer.ToTokenizerJson()));
        MakeTokenizerConfig(tokenizer, files, made);
        return made;
    }

    /// <summary>Which tokens end an answer: generation_config.json says it, else config.json; else the metadata do.</summary>
    private static ConfigFile? MakeGeneration(
        GgufConfiguration configuration, DescriptionFiles files, ConfigFile? beside, int vocabularySize)
    {
        var there = files.Find(CheckpointReader.GenerationName) is { } path ? ConfigFile.OpenFile(path) : null;
        if (there?.Has(GgufBeside.Ends) == true || beside?.Has(GgufBeside.Ends) == true
            || configuration.ToGenerationJson(vocabularySize) is not { } json)
            return null;
        var generation = ConfigFile.Parse(CheckpointReader.GenerationName, json);
        return there is null ? generation : there.With(JsonNode.Parse(json)!.AsObject());
    }

    /// <summary>
    /// tokenizer_config.json and templates. A tokenizer of the model's own keeps its settings: the classes of SentencePiece and tiktoken
    /// files read them, and would read what is not theirs; but a template is text, and serves every tokenizer.
    /// </summary>
    private static void MakeTokenizerConfig(GgufTokenizer tokenizer, DescriptionFiles files, List<(string Name, byte[] Bytes)> made)
    {
        var there = files.Find(GgufTokenizer.ConfigName) is { } path ? ConfigFile.OpenFile(path) : null;
        var hasTemplate = there?.Has(TemplateField) == true || files.Find(TemplateName) is not null
            || files.Files.Any(file => file.Name.StartsWith(TokenizerFiles.MoreTemplates, StringComparison.Ordinal));
        var isOwn = files.Tokenizer is null
            || (files.Tokenizer == TokenizerFiles.Json && there?.Has(ClassField) != true && tokenizer.HasVocabulary);
        if (isOwn)
        {
            var fields = JsonNode.Parse(tokenizer.ToConfigJson())!.AsObject();
            if (hasTemplate)
                fields.Remove(TemplateField);
            var filled = there?.With(fields) ?? ConfigFile.Parse(GgufTokenizer.ConfigName, fields.ToJsonString());
            made.Add((GgufTokenizer.ConfigName, Bytes(filled)));
        }
        else if (!hasTemplate && tokenizer.Template is { } template)
        {
            made.Add((TemplateName, Encoding.UTF8.GetBytes(template)));
        }

        if (!hasTemplate)
            made.AddRange(tokenizer.Templates());
    }

    private static byte[] Bytes(ConfigFile file) => Encoding.UTF8.GetBytes(file.ToJson() + "\n");
}
