using System.Globalization;
using Parley.ModelHub.Protocol;

namespace Parley.ModelHub.Cache;

/// <summary>
/// Remembers which blobs were found right, so that each is read once and not at every start. It lies apart from the Hub's cache, whose
/// layout is not ours to extend, and a blob that was written to since is read again.
/// </summary>
internal sealed class CheckedBlobs(string folder)
{
    public bool Contains(string path, HubFile file)
    {
        var note = NotePath(file);
        return File.Exists(note) && File.ReadAllText(note) == Note(path);
    }

    public void Add(string path, HubFile file)
    {
        Directory.CreateDirectory(folder);
        var temporary = $"{NotePath(file)}.{Guid.NewGuid():N}.tmp";
        File.WriteAllText(temporary, Note(path));
        File.Move(temporary, NotePath(file), overwrite: true);
    }

    private string NotePath(HubFile file) => Path.Combine(folder, file.BlobName);

    private static string Note(string path)
    {
        var info = new FileInfo(path);
        return string.Create(CultureInfo.InvariantCulture, $"{info.FullName}\n{info.Length} {info.LastWriteTimeUtc.Ticks}\n");
    }
}
