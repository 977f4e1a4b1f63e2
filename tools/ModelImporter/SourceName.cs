using Parley.ModelImporter.Exports;
using Parley.ModelImporter.Safetensors;
using Parley.PackageFormat;

namespace Parley.ModelImporter;

/// <summary>What the place of a source says of the model: its name, and its revision in a Hugging Face cache.</summary>
internal static class SourceName
{
    /// <summary>
    /// <c>org/model</c> for a snapshot of a Hugging Face cache, else the name of the folder or GGUF file in lower case.
    /// </summary>
    public static string Of(string source)
    {
        if (ExportSource.Is(source))
            source = ExportSource.FolderOf(source);
        if (HubSnapshot.RepositoryOf(source) is { } repository)
            return repository;
        var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(source))).ToLowerInvariant();
        return CheckpointTensors.FolderOf(source) == source ? name : Path.GetFileNameWithoutExtension(name);
    }

    /// <summary>The commit of a snapshot; null for any other source.</summary>
    public static string? RevisionOf(string source)
    {
        var folder = ExportSource.Is(source) ? ExportSource.FolderOf(source) : CheckpointTensors.FolderOf(source);
        return HubSnapshot.CommitOf(HubSnapshot.Above(folder) ?? folder);
    }
}
