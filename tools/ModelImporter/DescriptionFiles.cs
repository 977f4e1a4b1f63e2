using Parley.ModelImporter.Architectures;
using Parley.PackageFormat;

namespace Parley.ModelImporter;

/// <summary>
/// The small files that describe a checkpoint. They lie in the folder of its weights; where that is a folder within a repository of the
/// Hugging Face cache, as GGUF repositories have one for each kind of quantisation, those of the repository's root stand in for what is
/// missing. What belongs together comes from one place: a tokenizer is never put together of two.
/// </summary>
internal sealed class DescriptionFiles
{
    /// <param name="folder">The folder of the weights; it may be missing where nothing lies in it yet.</param>
    /// <exception cref="InvalidDataException">A file is a link that leads nowhere, or absurdly long.</exception>
    public DescriptionFiles(string folder)
    {
        (Folder, Root) = (folder, HubSnapshot.Above(folder));
        string[] folders = Root is null ? [folder] : [folder, Root];
        var taken = folders.Select(place => CheckpointFiles.Taken(place).Select(name => (name, Path.Combine(place, name))).ToList())
            .ToList();
        Files = [.. Enum.GetValues<Part>().SelectMany(part =>
            taken.Select(files => files.Where(file => PartOf(file.name) == part)).FirstOrDefault(files => files.Any()) ?? [])];
    }

    private enum Part
    {
        Configuration,
        Generation,
        Tokenizer,
    }

    /// <summary>The folder of the weights.</summary>
    public string Folder { get; }

    /// <summary>The repository's root above it; null where the folder is in no repository, or is the root itself.</summary>
    public string? Root { get; }

    /// <summary>Names as a package has them, and where the files lie, in order.</summary>
    public IReadOnlyList<(string Name, string Path)> Files { get; }

    /// <summary>The file that is the tokenizer; null where there is none.</summary>
    public string? Tokenizer => TokenizerFiles.Choose(Files.Select(file => file.Name));

    /// <summary>Where a file lies; null where it does not.</summary>
    public string? Find(string name) => Files.FirstOrDefault(file => file.Name == name).Path;

    private static Part PartOf(string name) => name switch
    {
        ConfigFile.Name => Part.Configuration,
        CheckpointReader.GenerationName => Part.Generation,
        _ => Part.Tokenizer,
    };
}
