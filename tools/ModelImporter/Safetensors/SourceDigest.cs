using System.Security.Cryptography;
using System.Text;

namespace Parley.ModelImporter.Safetensors;

/// <summary>The hash over names and contents of all files that an import reads of a source.</summary>
internal sealed class SourceDigest : IDisposable
{
    private readonly List<(string Name, string Path, FileDigest File)> _files = [];

    /// <param name="source">The checkpoint.</param>
    /// <param name="more">Files beside it that decide what comes of it, each with a name.</param>
    /// <exception cref="InvalidDataException">A file is missing.</exception>
    public SourceDigest(string source, params IEnumerable<(string Name, string Path)> more)
    {
        try
        {
            foreach (var (name, path) in CheckpointFiles.Present(source).Concat(more))
            {
                if (!SourceFile.Exists(path))
                    throw new InvalidDataException($"{path}: the shard is missing.");
                _files.Add((name, path, new FileDigest(path)));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The digest of a file, by the path that it was opened under.</summary>
    public FileDigest Of(string path) => _files.First(file => file.Path == path).File;

    /// <summary>Hashes what has not been read yet.</summary>
    /// <param name="parallel">How many threads take part.</param>
    /// <param name="progress">Told of the stage "hash".</param>
    /// <returns>Lower-case hexadecimal.</returns>
    public string Complete(ParallelOptions parallel, IProgress<ImportProgress>? progress)
    {
        var (done, total) = (0L, _files.Sum(file => file.File.Bytes));
        var turn = new Lock();
        var text = new StringBuilder();
        foreach (var (name, _, file) in _files)
            text.Append(file.Complete(parallel, Advance)).Append("  ").Append(name).Append('\n');
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));

        void Advance(long bytes)
        {
            lock (turn)
                progress?.Report(new ImportProgress("hash", done += bytes, total));
        }
    }

    public void Dispose()
    {
        foreach (var (_, _, file) in _files)
            file.Dispose();
    }
}
