using Parley.PackageFormat;

namespace Parley.ModelImporter;

/// <summary>
/// Files of a source, seen through their symbolic links: in a Hugging Face cache every file of a snapshot is a link into its blobs.
/// </summary>
internal static class SourceFile
{
    /// <summary>Whether the file is there.</summary>
    /// <exception cref="InvalidDataException">
    /// It is a link that leads nowhere, or out of the repository's folder in a Hugging Face cache; the message names both ends.
    /// </exception>
    public static bool Exists(string path)
    {
        var file = new FileInfo(path);
        if (file.LinkTarget is not { } target)
            return file.Exists;
        // .NET says of a link that leads nowhere that it exists.
        if (file.ResolveLinkTarget(returnFinalTarget: true) is { Exists: true })
        {
            CheckStays(file, target);
            return true;
        }

        throw new InvalidDataException($"{path} is a link to {target}, which is missing; download the model again.");
    }

    /// <summary>
    /// In a plain folder links are its owner's. The files of a snapshot come from elsewhere, and the Hub's client makes their links: all
    /// lead to blobs of the same repository, so any other is not its work. Where the blobs themselves lie is the owner's affair again.
    /// </summary>
    private static void CheckStays(FileInfo file, string target)
    {
        for (var folder = file.Directory; folder is not null; folder = folder.Parent)
        {
            if (HubSnapshot.RepositoryFolder(folder) is not { } repository)
                continue;
            if (!Path.GetFullPath(target, file.DirectoryName!).StartsWith(
                repository.FullName + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            {
                throw new InvalidDataException(
                    $"{file.FullName} is a link to {target}, out of the repository's folder in the cache; put the file itself there, or "
                    + "import a copy of the folder.");
            }

            return;
        }
    }

    /// <summary>Length of what the path leads to; <see cref="FileInfo"/> would give that of the link itself.</summary>
    public static long Length(string path)
    {
        using var handle = File.OpenHandle(path);
        return RandomAccess.GetLength(handle);
    }
}
