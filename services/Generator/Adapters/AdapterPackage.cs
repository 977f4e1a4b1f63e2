using System.Buffers;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Parley.Generator.Execution.Kernels.Adapters;
using Parley.PackageFormat;

namespace Parley.Generator.Adapters;

/// <summary>
/// The folder of an adapter, as <c>parley adapter</c> writes it: opened and checked against the model that it is to be served beside, then
/// read into memory.
/// </summary>
internal sealed class AdapterPackage
{
    private const int BufferBytes = 1 << 20;

    private readonly string _dataPath;
    private readonly List<AdapterLayout> _layouts = [];

    private AdapterPackage(string folder, AdapterManifest manifest, string sha256)
    {
        (Folder, Manifest, Sha256) = (folder, manifest, sha256);
        _dataPath = Path.Combine(folder, AdapterManifest.DataName);
    }

    public string Folder { get; }

    public AdapterManifest Manifest { get; }

    /// <summary>Hash of the manifest, lower-case hexadecimal.</summary>
    public string Sha256 { get; }

    /// <summary>Bytes that its matrices take in memory.</summary>
    public long Bytes => _layouts.Sum(layout => layout.Bytes);

    /// <summary>Opens a folder and reads all of it once: every length, hash and number is checked before memory is taken.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="model">What it is to be served beside.</param>
    /// <param name="limits">The settings.</param>
    /// <exception cref="InvalidDataException">It is broken, or for another model; the message names the file and the field.</exception>
    public static AdapterPackage Open(string folder, AdapterBaseModel model, AdapterLimits limits)
    {
        var path = Path.Combine(folder, AdapterManifest.FileName);
        var bytes = ReadManifest(folder, path);
        var manifest = AdapterManifest.Parse(Encoding.UTF8.GetString(bytes), path);
        if (manifest.BaseFault(model.Manifest) is { } fault)
            throw new InvalidDataException($"{path}: {fault}");
        if (manifest.RankMax > limits.Rank)
        {
            throw new InvalidDataException(
                $"{path}: rankMax is {manifest.RankMax}, Generator:AdapterRankMax allows {limits.Rank}: raise it, or merge the adapter by "
                + "`parley import --adapter`.");
        }

        var package = new AdapterPackage(folder, manifest, Convert.ToHexStringLower(SHA256.HashData(bytes)));
        var linears = FindLinears(manifest, model, path);
        var isNarrow = package.CheckData(manifest.Files[AdapterManifest.DataName], limits) || limits.Precision == AdapterPrecision.Bf16;
        foreach (var (linear, entry) in linears)
            package._layouts.Add(new AdapterLayout(linear, entry.Parts, isNarrow));
        return package;
    }

    /// <summary>Reads the matrices into memory.</summary>
    /// <param name="linears">Linears of the session.</param>
    /// <exception cref="InvalidDataException">The file has changed meanwhile.</exception>
    public AdapterWeights Load(int linears)
    {
        var weights = new AdapterWeights(linears, Bytes);
        try
        {
            using var file = File.OpenHandle(_dataPath);
            foreach (var layout in _layouts)
            {
                layout.Begin(weights);
                foreach (var (index, part) in layout.Parts.Index())
                {
                    Read(file, part.A, part.Rank * (long)layout.Linear.Inputs, numbers => layout.WriteDown(weights, index, numbers));
                    Read(file, part.B, part.Rank * (long)part.Outputs, numbers => layout.WriteUp(weights, index, numbers));
                }
            }

            return weights;
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    private static byte[] ReadManifest(string folder, string path)
    {
        if (!Directory.Exists(folder))
            throw new InvalidDataException($"{folder}: there is no such folder; an adapter is made by `parley adapter`.");
        var file = new FileInfo(path);
        if (!file.Exists)
        {
            throw new InvalidDataException(File.Exists(Path.Combine(folder, "adapter_config.json"))
                ? $"{folder}: this is an adapter as peft writes it, which `parley adapter` turns into one that can be served."
                : $"{path}: the file is missing; an adapter is made by `parley adapter`.");
        }

        return file.Length <= AdapterManifest.BytesLimit ? File.ReadAllBytes(path)
            : throw new InvalidDataException($"{path}: more than {AdapterManifest.BytesLimit} bytes; make the adapter again.");
    }

    private static List<(AdaptedLinear Linear, AdapterLinear Entry)> FindLinears(
        AdapterManifest manifest, AdapterBaseModel model, string path)
    {
        var found = new List<(AdaptedLinear, AdapterLinear)>();
        foreach (var (index, entry) in manifest.Linears.Index())
        {
            var field = $"{path}: linears[{index}]";
            // Not all rows of a step come to the head, and it is exact for the best of its outputs alone.
            if (model.Linears!.Find(entry.Node) is not { } linear || linear.Outputs == model.Manifest.Shape.VocabularySize)
            {
                throw new InvalidDataException(
                    $"{field}.node is {entry.Node}, no linear of {model.Manifest.Name} that takes adapters; make the adapter again over "
                    + "this package, or merge it by `parley import --adapter`.");
            }

            if (linear.Inputs != entry.Inputs)
            {
                throw new InvalidDataException(
                    $"{field}.inputs is {entry.Inputs}, {entry.Node} has {linear.Inputs}; make the adapter again.");
            }

            if (entry.OutputsMin() > linear.Outputs)
            {
                throw new InvalidDataException(
                    $"{field}.parts end at row {entry.OutputsMin()}, {entry.Node} has {linear.Outputs}; make the adapter again.");
            }

            found.Add((linear, entry));
        }

        return found;
    }

    /// <returns>Whether the upper halves of all numbers are the numbers.</returns>
    private bool CheckData(PackageFile expected, AdapterLimits limits)
    {
        var file = new FileInfo(_dataPath);
        if (!file.Exists)
            throw new InvalidDataException($"{_dataPath}: the file is missing; make the adapter again.");
        if (expected.Bytes / 2 > limits.Bytes)
        {
            throw new InvalidDataException(
                $"{_dataPath}: {expected.Bytes} bytes, Generator:AdapterBytesMax allows {limits.Bytes} for all adapters: raise it.");
        }

        using var stream = file.OpenRead();
        if (stream.Length != expected.Bytes || expected.Bytes % sizeof(float) != 0)
        {
            throw new InvalidDataException(
                $"{_dataPath}: the file has {stream.Length} bytes, {AdapterManifest.FileName} says {expected.Bytes}; "
                + "make the adapter again.");
        }

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var (isNarrow, buffer) = (true, ArrayPool<byte>.Shared.Rent(BufferBytes));
        try
        {
            for (int read; (read = stream.ReadAtLeast(buffer.AsSpan(0, BufferBytes), BufferBytes, throwOnEndOfStream: false)) > 0;)
            {
                hash.AppendData(buffer, 0, read);
                var numbers = MemoryMarshal.Cast<byte, float>(buffer.AsSpan(0, read));
                if (!TensorPrimitives.IsFiniteAll(numbers))
                    throw new InvalidDataException($"{_dataPath}: holds a number that is not finite; make the adapter again.");
                isNarrow &= MemoryMarshal.Cast<byte, ushort>(buffer.AsSpan(0, read)) is var halves && IsNarrow(halves);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        var sha256 = Convert.ToHexStringLower(hash.GetHashAndReset());
        return sha256 == expected.Sha256 ? isNarrow
            : throw new InvalidDataException(
                $"{_dataPath}: the SHA-256 is {sha256}, {AdapterManifest.FileName} says {expected.Sha256}; make the adapter again.");
    }

    private static bool IsNarrow(ReadOnlySpan<ushort> halves)
    {
        var lower = 0;
        for (var i = 0; i + 1 < halves.Length; i += 2)
            lower |= halves[i];
        return lower == 0;
    }

    private void Read(Microsoft.Win32.SafeHandles.SafeFileHandle file, long offset, long count, Action<float[]> take)
    {
        var numbers = new float[count];
        var bytes = MemoryMarshal.AsBytes(numbers.AsSpan());
        for (var done = 0; done < bytes.Length;)
        {
            var read = RandomAccess.Read(file, bytes[done..], offset + done);
            if (read == 0)
                throw new InvalidDataException($"{_dataPath}: the file ended while it was read; make the adapter again.");
            done += read;
        }

        take(numbers);
    }
}
