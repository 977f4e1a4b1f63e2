using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution.Cuda;
using Parley.Generator.Execution.Runtime;

namespace Parley.Cli.Doctor.Machine;

/// <summary>ONNX Runtime, and what of CUDA is on this machine.</summary>
/// <param name="Version">Of ONNX Runtime's native library.</param>
/// <param name="ManagedVersion">Of the package that calls it; both must be of one release.</param>
/// <param name="HasCuda">Whether the native library was built for CUDA.</param>
/// <param name="Findings">Each library that serving on CUDA takes.</param>
/// <param name="Cudnn">Version of cuDNN, which is not used; null where there is none.</param>
/// <param name="Code">For which cards ONNX Runtime's provider holds kernels; null where there is none.</param>
/// <param name="Cards">The GPUs.</param>
/// <param name="CardsFailure">Why CUDA names none.</param>
/// <param name="HasDeviceFiles">Whether the system shows an NVIDIA device to this process.</param>
internal sealed record LibraryFacts(
    string Version, string ManagedVersion, bool HasCuda, IReadOnlyList<LibraryFinding> Findings, Version? Cudnn, CardCode? Code,
    IReadOnlyList<CardFacts> Cards, string? CardsFailure, bool HasDeviceFiles)
{
    private const string CudnnName = "libcudnn.so.9";

    /// <param name="options">Where libraries are looked for first.</param>
    public static LibraryFacts Read(CudaOptions options)
    {
        OnnxRuntimeEnvironment.EnsureCreated();
        var environment = OrtEnv.Instance();
        var (version, hasCuda) = (environment.GetVersionString(), environment.GetAvailableProviders().Contains("CUDAExecutionProvider"));
        if (!OperatingSystem.IsLinux())
        {
            return new LibraryFacts(
                version, CudaServing.ManagedVersion, hasCuda, [], null, null, [], "Parley knows CUDA on Linux only", false);
        }

        var probe = new NativeLibraryProbe(options.Folders);
        var findings = CudaLibraries.Find(probe, (version, hasCuda), CudaServing.ManagedVersion, options.PluginLibrary);
        var (cards, failure) = ReadCards(probe);
        return new LibraryFacts(
            version, CudaServing.ManagedVersion, hasCuda, findings, probe.TryLoad(CudnnName) ? probe.VersionOf(CudnnName) : null,
            CardCode.OfProvider(probe), cards, failure, File.Exists("/dev/nvidiactl") || Directory.Exists("/proc/driver/nvidia/gpus"));
    }

    private static (IReadOnlyList<CardFacts> Cards, string? Failure) ReadCards(NativeLibraryProbe probe)
    {
        if (!probe.TryLoad(CudaRuntime.LibraryName))
            return ([], $"{CudaRuntime.LibraryName} is not found");
        var runtime = new CudaRuntime(probe.Handle(CudaRuntime.LibraryName));
        try
        {
            var cards = new List<CardFacts>();
            for (var number = 0; number < runtime.DeviceCount; number++)
            {
                runtime.SetDevice(number);
                var (free, total) = runtime.MemoryInfo();
                cards.Add(new CardFacts(number, runtime.DeviceName(number), runtime.Capability(number), free, total));
            }

            return (cards, cards.Count == 0 ? "CUDA sees no device" : null);
        }
        catch (InvalidOperationException exception)
        {
            return ([], exception.Message);
        }
    }
}
