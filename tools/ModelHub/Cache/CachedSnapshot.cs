using Parley.ModelHub.Protocol;

namespace Parley.ModelHub.Cache;

/// <summary>A snapshot on the disk: the names of its files and, by the blobs that they link to, what they must hash to.</summary>
internal static class CachedSnapshot
{
    private const int FilesMax = 10_000;

    public static HubFile[] Files(string folder) =>
    [
        .. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Take(FilesMax).Where(File.Exists).Select(path =>
        {
            var blob = Path.GetFileName(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? "");
            var name = blob.Length is 40 or 64 && blob.All(char.IsAsciiHexDigitLower) ? blob : "";
            var length = new FileInfo(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path).Length;
            var relative = Path.GetRelativePath(folder, path).Replace(Path.DirectorySeparatorChar, '/');
            return new HubFile(relative, length, name.Length == 40 ? name : "", name.Length == 64 ? name : null);
        }),
    ];
}
