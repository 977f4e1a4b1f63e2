using System.Buffers.Binary;
using Parley.Generator.Execution.Cuda;

namespace Parley.Generator.Tests.Execution.Cuda;

/// <summary>For which cards a library holds kernels.</summary>
public sealed class CardCodeTests
{
    private const ushort Ptx = 1;
    private const ushort Native = 2;

    [Theory]
    [InlineData("7.5", false)]
    [InlineData("8.0", true)]
    [InlineData("8.6", true)]
    [InlineData("8.9", true)]
    [InlineData("9.0", true)]
    [InlineData("10.0", false)]
    [InlineData("10.3", false)]
    [InlineData("11.0", false)]
    [InlineData("12.0", true)]
    [InlineData("12.1", true)]
    [InlineData("13.0", false)]
    public void Runs_NativeCodeAlone_OnCardsOfTheSameMajorNumber(string capability, bool expected) => Assert.Equal(
        expected, Read(Binary((Native, 80, 40), (Native, 86, 16)), Binary((Native, 90, 24)), Binary((Native, 120, 8)))!
            .Runs(Version.Parse(capability)));

    [Fact]
    public void Runs_WithPtx_OnEveryNewerCard()
    {
        var code = Read(Binary((Ptx, 90, 100), (Native, 80, 10)))!;

        Assert.True(code.Runs(new Version(10, 0)));
        Assert.True(code.Runs(new Version(8, 6)));
        Assert.False(code.Runs(new Version(7, 5)));
        Assert.Contains("PTX for 9.0", code.Fault(new Version(7, 5)));
    }

    [Fact]
    public void Fault_OfACardWithoutCode_NamesWhatThereIsAndWhatToDo()
    {
        var fault = Read(Binary((Native, 80, 1), (Native, 90, 1), (Native, 120, 1)))!.Fault(new Version(10, 0));

        Assert.Contains("compute capability 10.0", fault);
        Assert.Contains("kernels for 8.0, 9.0, 12.0 and no PTX", fault);
        Assert.Contains("docs/cuda.md", fault);
    }

    [Fact]
    public void Read_BinariesBetweenOtherBytes_FindsThemAll()
    {
        var noise = new byte[1000];
        new Random(1).NextBytes(noise);
        var code = Read(noise, Binary((Native, 75, 33)), noise, [0x50, 0xED, 0x55, 0xBA], noise, Binary((Ptx, 80, 7)))!;

        Assert.Equal([new Version(7, 5)], code.Native);
        Assert.Equal([new Version(8, 0)], code.Portable);
    }

    [Fact]
    public void Read_NoFatBinary_SaysNothing()
    {
        Assert.Null(Read([]));
        Assert.Null(Read(new byte[100]));
        Assert.Null(Read([0x50, 0xED, 0x55, 0xBA]));
    }

    [Fact]
    public void Read_BinaryThatIsCutShort_SaysNothingAndEnds()
    {
        var whole = Binary((Native, 80, 40));
        for (var length = 0; length < whole.Length; length++)
            Assert.Null(Read(whole[..length]));
    }

    [Fact]
    public void Read_EntryLongerThanItsBinary_IsLeftOut()
    {
        var binary = Binary((Native, 80, 40));
        BinaryPrimitives.WriteUInt64LittleEndian(binary.AsSpan(24), ulong.MaxValue);

        Assert.Null(Read(binary));
    }

    [Fact]
    public void Read_TheFeedsCudaBuild_HasNothingForDataCentreBlackwell()
    {
        var packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } set
            ? set : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        var path = Path.Combine(
            packages, "microsoft.ml.onnxruntime.gpu.linux", "1.31.0", "runtimes", "linux-x64", "native", CudaLibraries.Providers);
        Assert.SkipUnless(File.Exists(path), "ONNX Runtime 1.31.0 for CUDA was not restored here (-p:OnnxRuntime=Gpu does so).");

        var code = CardCode.Read(path)!;

        Assert.Equal(["7.5", "8.0", "8.6", "8.9", "9.0", "12.0"], code.Native.Select(version => version.ToString()));
        Assert.Empty(code.Portable);
        Assert.True(code.Runs(new Version(9, 0)));
        Assert.False(code.Runs(new Version(10, 0)));
    }

    /// <summary>A fat binary: its header, and for each kind of code a header with the capability times ten, and so many bytes.</summary>
    internal static byte[] Binary(params (ushort Kind, int Capability, int Bytes)[] entries)
    {
        const int header = 16, entryHeader = 64;
        var binary = new byte[header + entries.Sum(entry => entryHeader + entry.Bytes)];
        BinaryPrimitives.WriteUInt32LittleEndian(binary, 0xBA55ED50);
        BinaryPrimitives.WriteUInt16LittleEndian(binary.AsSpan(4), 1);
        BinaryPrimitives.WriteUInt16LittleEndian(binary.AsSpan(6), header);
        BinaryPrimitives.WriteUInt64LittleEndian(binary.AsSpan(8), (ulong)(binary.Length - header));
        var position = header;
        foreach (var (kind, capability, bytes) in entries)
        {
            var at = binary.AsSpan(position);
            BinaryPrimitives.WriteUInt16LittleEndian(at, kind);
            BinaryPrimitives.WriteUInt32LittleEndian(at[4..], entryHeader);
            BinaryPrimitives.WriteUInt64LittleEndian(at[8..], (ulong)bytes);
            BinaryPrimitives.WriteUInt32LittleEndian(at[28..], (uint)capability);
            position += entryHeader + bytes;
        }

        return binary;
    }

    private static CardCode? Read(params byte[][] parts)
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, [.. parts.SelectMany(part => part)]);
            return CardCode.Read(path);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
