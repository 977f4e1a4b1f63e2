using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Parley.ModelImporter;

namespace Parley.ModelPackages;

/// <summary>
/// Remembers what was found by reading a source, so that gigabytes are not hashed at every start. It goes by path, length and times of
/// every file that an import reads; a file that was written to a moment ago is not believed, since its times may stay when it changes.
/// </summary>
internal sealed class SourceMemory(string folder, TimeProvider time)
{
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(2);

    /// <summary>What is known of a source; null where it is not known, or has changed.</summary>
    public SourceFacts? Find(string source)
    {
        var note = NotePath(Stamp(source).Text);
        if (!File.Exists(note))
            return null;
        return File.ReadAllText(note).Split('\n') is [{ Length: 64 } hash, { Length: > 0 } precision, ..]
            ? new SourceFacts(hash, precision) : null;
    }

    /// <summary>Keeps what was found, unless the source has changed since or is still being written.</summary>
    /// <param name="source">The source.</param>
    /// <param name="before">What <see cref="Stamp"/> said before it was read.</param>
    /// <param name="facts">What was found.</param>
    public void Keep(string source, (string Text, DateTime Newest) before, SourceFacts facts)
    {
        if (Stamp(source).Text != before.Text || time.GetUtcNow().UtcDateTime - before.Newest < Settled)
            return;
        Directory.CreateDirectory(folder);
        var note = NotePath(before.Text);
        var temporary = $"{note}.{Guid.NewGuid():N}.tmp";
        File.WriteAllText(temporary, $"{facts.Hash}\n{facts.Precision}\n");
        File.Move(temporary, note, overwrite: true);
    }

    /// <summary>What changes when a file of the source does, and when the newest one was written.</summary>
    /// <exception cref="InvalidDataException">The source has no weights.</exception>
    public static (string Text, DateTime Newest) Stamp(string source)
    {
        var text = new StringBuilder(ModelImport.Version).Append('\n').Append(Path.GetFullPath(source)).Append('\n');
        var newest = DateTime.MinValue;
        foreach (var path in ModelImport.SourceFiles(source))
        {
            // A link's own length and times say nothing of what it leads to.
            var file = new FileInfo(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path);
            var (length, written, created) = (file.Exists ? file.Length : -1, file.LastWriteTimeUtc, file.CreationTimeUtc);
            text.Append(CultureInfo.InvariantCulture, $"{path}\n{file.FullName}\n{length} {written.Ticks} {created.Ticks}\n");
            newest = written > newest ? written : newest;
        }

        return (text.ToString(), newest);
    }

    private string NotePath(string stamp) =>
        Path.Combine(folder, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(stamp))));
}
