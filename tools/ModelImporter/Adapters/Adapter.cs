using System.Security.Cryptography;
using System.Text;
using Parley.ModelImporter.Package;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Adapters;

/// <summary>A LoRA adapter, opened: what it does to which modules. Whether a base has them is not known yet.</summary>
/// <param name="path">Folder or file, for messages.</param>
/// <param name="file">Its weights.</param>
internal sealed class Adapter(string path, ITensorFile file) : IDisposable
{
    /// <summary>Modules at most: some hundreds are usual.</summary>
    public const int ModulesMax = 1 << 16;

    public string Path => path;

    /// <summary>Name unless told otherwise.</summary>
    public string Name => SourceName.Of(path);

    public ITensorFile File => file;

    /// <summary>The files that were read, each with a name for the hash.</summary>
    public required IReadOnlyList<(string Name, string Path)> Files { get; init; }

    /// <summary>The modules, in the order of their names.</summary>
    public required IReadOnlyList<ModuleChange> Changes { get; init; }

    /// <summary>What changes in the embedding changes in a head that is tied to it as well.</summary>
    public bool ChangesTied { get; init; }

    /// <summary><c>model_type</c>s of the base, where the adapter says it; null for any.</summary>
    public IReadOnlyList<string>? ModelTypes { get; init; }

    /// <summary>What was seen and has no effect, one sentence each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Opens a folder of peft's, or a GGUF file of llama.cpp's.</summary>
    /// <exception cref="InvalidDataException">It is neither, malformed, or asks for what is not computed here; the message names file and
    /// field or tensor.</exception>
    public static Adapter Open(string path) =>
        path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) && SourceFile.Exists(path) ? GgufAdapter.Open(path)
            : Directory.Exists(path) ? PeftAdapter.Open(path)
            : throw new InvalidDataException(
                $"{path} is neither a folder with {AdapterConfig.FileName} nor a .gguf file; give the adapter's folder or file.");

    /// <summary>The files with the names that a hash takes them in by.</summary>
    /// <param name="index">Which one it is of those that are merged.</param>
    public IEnumerable<(string Name, string Path)> FilesAt(int index) =>
        Files.Select(file => ($"adapter.{index}/{file.Name}", file.Path));

    /// <summary>The same of an adapter that nobody has opened.</summary>
    /// <exception cref="InvalidDataException">As for <see cref="Open"/>.</exception>
    public static IReadOnlyList<(string Name, string Path)> FilesOf(string path, int index)
    {
        using var adapter = Open(path);
        return [.. adapter.FilesAt(index)];
    }

    /// <summary>SHA-256 over names and hashes of the files.</summary>
    /// <returns>Lower-case hexadecimal.</returns>
    public string Hash(CancellationToken cancellationToken)
    {
        var lines = Files.Select(one => $"{FileHash.Compute(one.Path, _ => { }, cancellationToken)}  {one.Name}\n");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(lines))));
    }

    public void Dispose() => file.Dispose();
}
