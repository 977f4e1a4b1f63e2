using System.Security.Cryptography;
using Parley.ModelImporter.Package;

namespace Parley.ModelImporter.Tests.Package;

public sealed class TrailingHashTests
{
    /// <summary>Announced in pieces of any length, also such as are flushed on the way, the hash is that of the file.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(200)]
    public void Complete_AfterAnyPieces_IsTheHashOfTheFile(int pieces)
    {
        using var folder = new TemporaryFolder();
        var bytes = new byte[70 << 20];
        new Random(1).NextBytes(bytes);
        using var file = new DataFile(folder.File("data"), bytes.Length);
        using var hash = new TrailingHash(file, CancellationToken.None);
        var written = 0;
        for (var piece = 1; piece <= pieces; piece++)
        {
            var end = (int)((long)bytes.Length * piece / pieces);
            file.Write(written, bytes.AsSpan(written, end - written));
            hash.Advance(written = end);
        }

        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(bytes)), hash.Complete());
    }

    [Fact]
    public void Dispose_WithoutCompleteOrAfterACancel_WaitsAndIsSilent()
    {
        using var folder = new TemporaryFolder();
        using var file = new DataFile(folder.File("data"), 1 << 20);
        using var cancel = new CancellationTokenSource();
        using (var hash = new TrailingHash(file, cancel.Token))
            hash.Advance(1000);
        using (var hash = new TrailingHash(file, cancel.Token))
        {
            hash.Advance(1000);
            cancel.Cancel();
            hash.Advance(2000);
            Assert.Throws<OperationCanceledException>(hash.Complete);
        }
    }

    /// <summary>What cannot be read back is the failure that the import ends with.</summary>
    [Fact]
    public void Complete_OfAFileThatEndsEarly_Fails()
    {
        using var folder = new TemporaryFolder();
        using var file = new DataFile(folder.File("data"), 1000);
        using var hash = new TrailingHash(file, CancellationToken.None);
        hash.Advance(2000);

        Assert.Throws<EndOfStreamException>(hash.Complete);
    }
}
