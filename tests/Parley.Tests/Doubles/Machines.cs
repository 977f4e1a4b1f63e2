using Parley.Cli.Doctor.Machine;
using Parley.Cli.Sizing;
using Parley.Generator;
using Parley.Generator.Execution.Cuda;
using Parley.Generator.Machine;
using Parley.ModelHub;
using Parley.ModelImporter;
using Parley.PackageFormat;

namespace Parley.Cli.Tests.Doubles;

/// <summary>Machines that nobody has, for the checks to look at.</summary>
internal static class Machines
{
    public static DateTimeOffset Now { get; } = new(2026, 12, 1, 12, 0, 0, TimeSpan.Zero);

    public static LibraryFacts CpuLibraries { get; } = new(
        "1.31.1", "1.31.1", HasCuda: false,
        [
            new LibraryFinding("libcuda.so.1", "NVIDIA driver", "13.0 or newer", "nothing", false),
            new LibraryFinding("libcudart.so.13", "CUDA runtime", "13.x", "nothing", false),
        ],
        null, null, [], "libcudart.so.13 is not found", HasDeviceFiles: false);

    public static LibraryFacts CudaLibraries { get; } = new(
        "1.31.0", "1.31.0", HasCuda: true,
        [
            new LibraryFinding("libcuda.so.1", "NVIDIA driver", "13.0 or newer", "13.1", true),
            new LibraryFinding("libcudart.so.13", "CUDA runtime", "13.x", "13.0", true),
        ],
        new Version(9, 10), new CardCode([new Version(8, 0), new Version(9, 0), new Version(12, 0)], []),
        [new CardFacts(0, "H200", new Version(9, 0), 139L << 30, 140L << 30)], null, HasDeviceFiles: true);

    public static ModelSize Model { get; } = new(
        "org/model", "int8", new ModelShape(16, 2048, 8192, 32, 8, 64, 128_256, 8192, true), 1256L << 20, 1_235_800_000, null,
        IsPackage: true);

    public static ModelSize CudaModel { get; } = Model with
    {
        Precision = "bf16",
        WeightBytes = 2400L << 20,
        Target = new GraphTarget(GraphTarget.Cuda, "bf16", GraphTarget.Paged, GraphTarget.CandidatesDefault),
    };

    /// <summary>A machine on which all is well, for the CPU.</summary>
    public static MachineState Good() => new()
    {
        Now = Now,
        Options = new GeneratorOptions(),
        SettingFaults = [],
        Processor = new ProcessorFacts(
            "A processor", HasAvx512: true, SavesAvx512: true, HasAvx2: true, IsX64: true, "AVX-512", "AVX-512",
            MultipliesBytesExactly: true),
        Limits = new ProcessLimits(8, 8, ControlGroupLimits.None, 32L << 30, 30L << 30),
        Libraries = CpuLibraries,
        Package = new PackageFacts(
            "org/model", "/models/model", true, ModelImport.Version, Now - TimeSpan.FromDays(3), Model, 1300L << 20, null),
        Ports = [new PortFacts(5080, "the Gateway's HTTP", null, null, null)],
        Hub = new HubFacts(
            new Uri("https://hub.example"), false, true, new HubAnswer(200, "somebody", TimeSpan.FromSeconds(0.4), null), null),
        Folders = [new FolderFacts("/cache", "packages", "XDG_CACHE_HOME", 500_000_000_000, null)],
    };

    /// <summary>The same with a GPU that is used.</summary>
    public static MachineState GoodGpu() => Good() with
    {
        Options = new GeneratorOptions { Device = "cuda" },
        Libraries = CudaLibraries,
        Package = Good().Package with { Size = CudaModel },
    };
}
