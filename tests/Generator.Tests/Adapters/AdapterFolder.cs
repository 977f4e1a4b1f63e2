using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Parley.Generator.Adapters;
using Parley.Generator.Execution.Kernels.Adapters;
using Parley.Generator.Tests.Execution;
using Parley.PackageFormat;

namespace Parley.Generator.Tests.Adapters;

/// <summary>Folders of adapters as <c>parley adapter</c> would write them, of random numbers, and a model to check them against.</summary>
internal static class AdapterFolder
{
    /// <summary>A model of two linears that take adapters.</summary>
    public static AdapterBaseModel Model(string precision = "int4")
    {
        var linears = new AdaptedLinears(256);
        linears.Add("layers.0.qkv", 64, 96);
        linears.Add("layers.0.down", 96, 64);
        linears.Add("head", 64, TinyModel.Shape.VocabularySize);
        return new AdapterBaseModel(["tiny", "alias"], TinyModel.Manifest(precision), linears);
    }

    /// <summary>Writes an adapter.</summary>
    /// <param name="folder">Its folder, which is made.</param>
    /// <param name="package">The manifest of its base.</param>
    /// <param name="seed">Of its numbers, which are no larger than <paramref name="size"/>.</param>
    /// <param name="size">The largest number.</param>
    /// <param name="isNarrow">Numbers have 16 bits.</param>
    /// <param name="linears">Node, inputs, and of each part first output, outputs and rank.</param>
    public static void Write(
        string folder, ModelManifest package, int seed, float size, bool isNarrow,
        params (string Node, int Inputs, (int Output, int Outputs, int Rank)[] Parts)[] linears)
    {
        var random = new Random(seed);
        using var data = new MemoryStream();
        List<AdapterLinear> entries =
        [
            .. linears.Select(linear => new AdapterLinear(linear.Node, linear.Inputs, [.. linear.Parts.Select(part => new AdapterPart(
                part.Output, part.Outputs, part.Rank, Add(data, random, part.Rank * linear.Inputs, size, isNarrow),
                Add(data, random, part.Outputs * part.Rank, size, isNarrow)))])),
        ];
        Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, AdapterManifest.DataName), data.ToArray());
        Write(folder, new AdapterManifest
        {
            FormatVersion = AdapterManifest.CurrentFormatVersion,
            Name = "made",
            Importer = "test",
            SourceSha256 = new string('1', 64),
            Base = AdapterBase.Of(package),
            RankMax = entries.Max(entry => entry.Parts.Max(part => part.Rank)),
            Linears = entries,
            Files = new Dictionary<string, PackageFile>
            {
                [AdapterManifest.DataName] = new(data.Length, Convert.ToHexStringLower(SHA256.HashData(data.ToArray()))),
            },
        });
    }

    /// <summary>Writes one for <see cref="Model"/>.</summary>
    public static string WriteSmall(string root, string name, int seed = 1, int rank = 4, bool isNarrow = false)
    {
        var folder = Path.Combine(root, name);
        Write(folder, TinyModel.Manifest(), seed, 0.1f, isNarrow,
            ("layers.0.qkv", 64, [(0, 32, rank), (64, 32, rank)]), ("layers.0.down", 96, [(0, 64, rank)]));
        return folder;
    }

    public static void Write(string folder, AdapterManifest manifest) =>
        File.WriteAllText(Path.Combine(folder, AdapterManifest.FileName), manifest.ToJson());

    /// <summary>The manifest in a folder.</summary>
    public static AdapterManifest Read(string folder)
    {
        var path = Path.Combine(folder, AdapterManifest.FileName);
        return AdapterManifest.Parse(File.ReadAllText(path), path);
    }

    /// <summary>Writes the data anew, and its hash into the manifest.</summary>
    public static void Rewrite(string folder, Action<float[]> change)
    {
        var path = Path.Combine(folder, AdapterManifest.DataName);
        var numbers = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(path)).ToArray();
        change(numbers);
        var bytes = MemoryMarshal.AsBytes(numbers.AsSpan()).ToArray();
        File.WriteAllBytes(path, bytes);
        var file = new PackageFile(bytes.Length, Convert.ToHexStringLower(SHA256.HashData(bytes)));
        Write(folder, Read(folder) with { Files = new Dictionary<string, PackageFile> { [AdapterManifest.DataName] = file } });
    }

    private static long Add(MemoryStream data, Random random, int count, float size, bool isNarrow)
    {
        while (data.Length % AdapterManifest.Alignment != 0)
            data.WriteByte(0);
        var offset = data.Length;
        for (var i = 0; i < count; i++)
        {
            var number = size * ((2 * (float)random.NextDouble()) - 1);
            var bits = BitConverter.SingleToUInt32Bits(number);
            data.Write(BitConverter.GetBytes(isNarrow ? bits & 0xFFFF0000 : bits));
        }

        return offset;
    }
}
