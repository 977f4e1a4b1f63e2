using Parley.ModelImporter.Exports;
using Parley.ModelImporter.Safetensors;
using Parley.PackageFormat;

namespace Parley.ModelImporter;

/// <summary>The files of a Hugging Face model folder that matter here.</summary>
internal static class CheckpointFiles
{
    /// <summary>Files that a package takes over as they are, each with what it decides.</summary>
    public static IReadOnlyList<(string Name, string Decides)> Copied { get; } =
    [
        ("config.json", "the architecture and its sizes: layers, heads, widths, vocabulary, context, positions"),
        ("generation_config.json", "how answers are sampled when the request is silent, and which tokens end them"),
        ("special_tokens_map.json", "which tokens mark begin, end, padding and unknown text"),
        ("tokenizer.json", "how text becomes token ids and back: normalizer, splitting, vocabulary, merges"),
        ("tokenizer_config.json", "how the tokenizer is used: special tokens, limits, often the chat template"),
        ("chat_template.jinja", "how messages and roles become one prompt"),
        ("response_template.json", "how an answer becomes content, reasoning and tool calls"),
        ("tokenizer.model", "the SentencePiece form of the vocabulary, where there is one"),
    ];

    /// <summary>Names of all files of a folder.</summary>
    public static IEnumerable<string> Names(string folder) =>
        Directory.Exists(folder) ? Directory.EnumerateFiles(folder).Select(path => Path.GetFileName(path)) : [];

    /// <summary>Length of any of these files at most; the largest tokenizers have some 35 MB.</summary>
    private const long TakenBytesMax = 512 << 20;

    /// <summary>Names of the files of a folder that a package takes over, in order.</summary>
    /// <exception cref="InvalidDataException">One is a link that leads nowhere, or absurdly long.</exception>
    public static IReadOnlyList<string> Taken(string folder)
    {
        string[] names =
        [
            .. Copied.Select(file => file.Name),
            .. Names(folder).Where(name => name.EndsWith(TokenizerFiles.TiktokenEnding, StringComparison.Ordinal))
                .Order(StringComparer.Ordinal),
            .. TokenizerFiles.Templates(folder),
        ];
        return [.. names.Where(name => IsTaken(Path.Combine(folder, name)))];
    }

    private static bool IsTaken(string path)
    {
        if (!SourceFile.Exists(path))
            return false;
        return SourceFile.Length(path) <= TakenBytesMax
            ? true
            : throw new InvalidDataException($"{path}: more than {TakenBytesMax} bytes, which no such file has.");
    }

    /// <summary>The files that an import reads of a source, which is a folder or a GGUF file, in order.</summary>
    public static IReadOnlyList<(string Name, string Path)> Present(string source)
    {
        if (ExportSource.Is(source))
            return ExportImport.Present(source);
        var folder = CheckpointTensors.FolderOf(source);
        return
        [
            .. new DescriptionFiles(folder).Files,
            .. CheckpointTensors.FileNames(source).Select(name => (name, Path.Combine(folder, name))),
        ];
    }
}
