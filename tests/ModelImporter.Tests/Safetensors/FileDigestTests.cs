using System.Security.Cryptography;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Tests.Safetensors;

public sealed class FileDigestTests
{
    /// <summary>Read from anywhere, by many at once, in part or not at all: the hash is that of the pieces in order.</summary>
    [Fact]
    public void Complete_AfterAnyReads_IsTheHashOfThePieces()
    {
        using var folder = new TemporaryFolder();
        var bytes = new byte[(2 * FileDigest.PieceBytes) + 12_345];
        new Random(1).NextBytes(bytes);
        File.WriteAllBytes(folder.File("data"), bytes);
        var expected = Convert.ToHexStringLower(SHA256.HashData([.. bytes.Chunk(FileDigest.PieceBytes).SelectMany(SHA256.HashData)]));

        (long Offset, long Length)[][] readings = [[], [(bytes.Length - 1, 1), (5, 7)], [(0, bytes.Length), (0, bytes.Length)]];
        foreach (var reads in readings)
        {
            using var digest = new FileDigest(folder.File("data"));
            Parallel.ForEach(reads, read => digest.Touch(read.Offset, read.Length));
            var done = 0L;

            Assert.Equal(expected, digest.Complete(new ParallelOptions(), length => Interlocked.Add(ref done, length)));

            Assert.Equal(bytes.Length, done);
        }
    }

    [Fact]
    public void Complete_OfAFileThatShrank_NamesIt()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("data"), new byte[1000]);
        using var digest = new FileDigest(folder.File("data"));
        File.WriteAllBytes(folder.File("data"), new byte[10]);

        var exception = Assert.Throws<InvalidDataException>(() => digest.Complete(new ParallelOptions(), advance: null));

        Assert.Contains("data: the file shrank", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Complete_OfAnEmptyFile_IsAHash()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("empty"), "");
        using var digest = new FileDigest(folder.File("empty"));

        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData([])), digest.Complete(new ParallelOptions(), advance: null));
    }
}
