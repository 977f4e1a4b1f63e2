using Parley.Generator.Execution.Cuda;

namespace Parley.Generator.Tests.Execution.Cuda;

/// <summary>The report on missing and wrong libraries: each by name, with the version wanted and found.</summary>
public sealed class CudaLibrariesTests
{
    private const string Wanted = "1.31.1";

    [Fact]
    public void Find_EverythingThere_Fits()
    {
        var findings = CudaLibraries.Find(Machine(), (Wanted, true), Wanted, "");

        Assert.All(findings, finding => Assert.True(finding.Fits, finding.ToString()));
        Assert.Equal(8, findings.Count);
        CudaLibraries.Require(findings);
    }

    [Fact]
    public void Require_NothingThere_NamesEveryLibraryWithBothVersions()
    {
        var findings = CudaLibraries.Find(new FakeProbe(), (Wanted, false), Wanted, "");
        var message = Assert.Throws<InvalidDataException>(() => CudaLibraries.Require(findings)).Message;

        string[] lines =
        [
            "libcuda.so.1 (NVIDIA driver): wanted 13.0 or newer; found nothing",
            "libcudart.so.13 (CUDA runtime): wanted 13.x; found nothing",
            "libcublas.so.13 (cuBLAS): wanted 13.x; found nothing",
            "libcublasLt.so.13 (cuBLAS light): wanted 13.x; found nothing",
            "libcurand.so.10 (cuRAND): wanted 10.x; found nothing",
            "libonnxruntime.so (ONNX Runtime): wanted 1.31.1 built for CUDA; found 1.31.1 built for the CPU alone",
            "libonnxruntime_providers_shared.so (ONNX Runtime's bridge to providers): wanted a file; "
                + "found nothing beside libonnxruntime.so",
            "libonnxruntime_providers_cuda.so (ONNX Runtime's CUDA provider): wanted 1.31.1; found nothing beside libonnxruntime.so",
        ];
        Assert.All(lines, line => Assert.Contains($"MISSING {line}", message, StringComparison.Ordinal));
        Assert.Contains("-p:OnnxRuntime=Gpu", message, StringComparison.Ordinal);
        Assert.Contains("Nothing falls back by itself", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Require_SomethingMissing_NamesAllOfItOnTheFirstLine()
    {
        var machine = Machine();
        machine.Libraries.Remove("libcuda.so.1");
        machine.Libraries.Remove("libcurand.so.10");

        var findings = CudaLibraries.Find(machine, (Wanted, true), Wanted, "");
        var message = Assert.Throws<InvalidDataException>(() => CudaLibraries.Require(findings)).Message;

        Assert.Equal(
            "CUDA is asked for, and this machine lacks libcuda.so.1 (NVIDIA driver), libcurand.so.10 (cuRAND).", message.Split('\n')[0]);
    }

    [Fact]
    public void Find_AnOlderRelease_SaysWhichOne()
    {
        var machine = Machine();
        machine.Libraries.Remove("libcudart.so.13");
        machine.Libraries["libcudart.so.12"] = new Version(12, 8);
        machine.Libraries["libcuda.so.1"] = new Version(12, 9);

        var findings = CudaLibraries.Find(machine, (Wanted, true), Wanted, "");

        Assert.Contains(findings, finding => finding is { Library: "libcudart.so.13", Found: "libcudart.so.12 12.8", Fits: false });
        Assert.Contains(findings, finding => finding is { Library: "libcuda.so.1", Found: "12.9", Fits: false });
        Assert.Equal(2, findings.Count(finding => !finding.Fits));
    }

    [Fact]
    public void Find_AProviderOfAnotherRelease_DoesNotFit()
    {
        var machine = Machine();
        machine.Files["libonnxruntime_providers_cuda.so"] = "1.30.0";

        var finding = Assert.Single(CudaLibraries.Find(machine, (Wanted, true), Wanted, ""), finding => !finding.Fits);

        Assert.Equal("libonnxruntime_providers_cuda.so", finding.Library);
        Assert.Contains("another version", finding.Found, StringComparison.Ordinal);
    }

    [Fact]
    public void Find_RuntimeOfAnotherReleaseThanTheManagedPackage_DoesNotFit() =>
        Assert.Single(CudaLibraries.Find(Machine(), ("1.32.0", true), Wanted, ""), finding => !finding.Fits);

    [Fact]
    public void Find_WithAPlugin_AsksForItsFileAndNotForProviders()
    {
        var machine = Machine();
        machine.Files.Clear();
        var findings = CudaLibraries.Find(machine, (Wanted, false), Wanted, "/none/libcuda_ep.so");

        var missing = Assert.Single(findings, finding => !finding.Fits);
        Assert.Equal("/none/libcuda_ep.so", missing.Library);
    }

    private static FakeProbe Machine() => new()
    {
        Libraries =
        {
            ["libcuda.so.1"] = new Version(13, 0),
            ["libcudart.so.13"] = new Version(13, 0),
            ["libcublas.so.13"] = new Version(13, 1),
            ["libcublasLt.so.13"] = new Version(13, 1),
            ["libcurand.so.10"] = new Version(10, 4),
        },
        Files =
        {
            ["libonnxruntime_providers_shared.so"] = Wanted,
            ["libonnxruntime_providers_cuda.so"] = Wanted,
        },
    };

    private sealed class FakeProbe : ILibraryProbe
    {
        public Dictionary<string, Version> Libraries { get; } = [];

        public Dictionary<string, string> Files { get; } = [];

        public bool TryLoad(string name) => Libraries.ContainsKey(name);

        public IntPtr Handle(string name) => 0;

        public Version? VersionOf(string name) => Libraries[name];

        public string? FindFile(string name) => Files.ContainsKey(name) ? $"/lib/{name}" : null;

        public bool Holds(string path, string text) => Files[Path.GetFileName(path)] == text;
    }
}
