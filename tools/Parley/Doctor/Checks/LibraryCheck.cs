using Parley.Cli.Doctor.Machine;

namespace Parley.Cli.Doctor.Checks;

/// <summary>ONNX Runtime, driver and CUDA's libraries against each other, and each GPU against the code that there is for it.</summary>
internal static class LibraryCheck
{
    private const string RuntimeName = "onnxruntime";
    private const string CudaName = "cuda";
    private static readonly Version CapabilityMin = new(8, 0);

    public static IEnumerable<Finding> Of(MachineState state)
    {
        var libraries = state.Libraries;
        var built = $"ONNX Runtime {libraries.Version} built for {(libraries.HasCuda ? "CUDA" : "the CPU")}";
        yield return libraries.Version == libraries.ManagedVersion
            ? Finding.Ok(RuntimeName, built)
            : Finding.Fault(
                RuntimeName, $"{built}, and its managed part is {libraries.ManagedVersion}",
                $"put the native library of {libraries.ManagedVersion} beside the program: two releases together miscompute or crash");
        foreach (var finding in state.WantsCuda ? Wanted(libraries) : NotWanted(libraries))
            yield return finding;
        foreach (var card in libraries.Cards)
            yield return OfCard(card, state);
    }

    private static IEnumerable<Finding> Wanted(LibraryFacts libraries)
    {
        if (libraries.Findings.Count == 0)
            yield return Finding.Fault(CudaName, libraries.CardsFailure ?? "no libraries", "serve a package for the CPU on this system");
        foreach (var finding in libraries.Findings)
        {
            yield return finding.Fits
                ? Finding.Ok(CudaName, $"{finding.Library} ({finding.Role}) {finding.Found}")
                : Finding.Fault(CudaName, finding.ToString(), Advice(finding.Library, libraries));
        }

        yield return Finding.Ok(
            CudaName, libraries.Cudnn is null ? "no cuDNN, which is not needed" : $"cuDNN {libraries.Cudnn}, which is not used");
        if (libraries.Findings.All(finding => finding.Fits) && libraries.Cards.Count == 0)
        {
            yield return Finding.Fault(
                CudaName, $"no GPU: {libraries.CardsFailure}",
                "look at nvidia-smi and CUDA_VISIBLE_DEVICES; a container needs nvidia.com/gpu, or --gpus all");
        }
    }

    private static IEnumerable<Finding> NotWanted(LibraryFacts libraries)
    {
        var found = libraries.Findings
            .Where(finding => finding.Fits && finding.Library.Contains(".so.", StringComparison.Ordinal)).ToList();
        var text = found.Count == 0 ? "no driver and no CUDA on this machine"
            : string.Join(", ", found.Select(one => $"{one.Library} {one.Found}"));
        // Somebody who has a card probably means to use it.
        yield return libraries.Cards.Count > 0 || libraries.HasDeviceFiles
            ? Finding.Warning(
                CudaName, $"a GPU is here and not used; {text}",
                "to use it take a build with -p:OnnxRuntime=Gpu, a package of --precision bf16 and Generator:Device = cuda (docs/cuda.md)")
            : Finding.Ok(CudaName, $"not asked for; {text}");
    }

    private static Finding OfCard(CardFacts card, MachineState state)
    {
        var name = $"card {card.Number}";
        var fact = $"{card.Name}, compute capability {card.Capability}, {card.FreeBytes >> 20} of {card.TotalBytes >> 20} MB free";
        var isUsed = state.WantsCuda && card.Number == state.Options.Cuda.DeviceId;
        var (what, advice) = card.Capability < CapabilityMin
            ? ($"older than {CapabilityMin}, which attention needs", "take a card of Ampere's generation or newer")
            : state.Libraries.Code is { } code && state.Options.Cuda.PluginLibrary.Length == 0 && !code.Runs(card.Capability)
                ? (code.Fault(card.Capability), "put a build of ONNX Runtime for this card beside the program (docs/cuda.md)")
                : (null, "");
        if (what is null)
            return Finding.Ok(name, fact);
        return isUsed ? Finding.Fault(name, $"{fact}; {what}", advice) : Finding.Warning(name, $"{fact}; {what}", advice);
    }

    private static string Advice(string library, LibraryFacts libraries) => library switch
    {
        "libcuda.so.1" => libraries.HasDeviceFiles
            ? "the device is here and its driver's library is not: give the container the driver (nvidia.com/gpu, runtimeClassName, "
                + "--gpus all)"
            : "install NVIDIA's driver 580 or newer; a container needs nvidia.com/gpu, or --gpus all",
        "libonnxruntime.so" => "build or publish with -p:OnnxRuntime=Gpu, or take the image for CUDA",
        _ when library.StartsWith("libonnxruntime", StringComparison.Ordinal) => "put it, of the same release, beside libonnxruntime.so",
        _ => "name its folder in Generator:Cuda:LibraryPath or LD_LIBRARY_PATH (docs/cuda.md says where to get it)",
    };
}
