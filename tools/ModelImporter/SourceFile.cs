namespace Parley.ModelImporter;

/// <summary>
/// Files of a source, seen through their symbolic links: in a Hugging Face cache every file of a snapshot is a link into its blobs.
/// </summary>
internal static class SourceFile
{
    /// <summary>Whether the file is there.</summary>
    /// <exception cref="InvalidDataException">It is a link that leads nowhere; the message names both ends.</exception>
    public static bool Exists(string path)
    {
        var file = new FileInfo(path);
        if (file.LinkTarget is not { } target)
            return file.Exists;
        // .NET says of a link that leads nowhere that it exists.
        if (file.ResolveLinkTarget(returnFinalTarget: true) is { Exists: true })
            return true;
        throw new InvalidDataException($"{path} is a link to {target}, which is missing; download the model again.");
    }

    /// <summary>Length of what the path leads to; <see cref="FileInfo"/> would give that of the link itself.</summary>
    public static long Length(string path)
    {
        using var handle = File.OpenHandle(path);
        return RandomAccess.GetLength(handle);
    }
}
