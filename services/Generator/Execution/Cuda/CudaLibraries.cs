using System.Text;

namespace Parley.Generator.Execution.Cuda;

/// <summary>
/// Every library that the CUDA path needs, looked for before anything is loaded by ONNX Runtime: whose own error names one file at a time.
/// </summary>
internal static class CudaLibraries
{
    public const string Providers = "libonnxruntime_providers_cuda.so";

    private const string SharedProviders = "libonnxruntime_providers_shared.so";
    private const string NotFound = "nothing";

    /// <summary>The major version of CUDA that this build is for, and the oldest driver that runs it.</summary>
    private static readonly Version DriverMin = new(13, 0);

    private static readonly (string Name, string Role, int Major)[] Needed =
    [
        (CudaRuntime.LibraryName, "CUDA runtime", 13),
        ("libcublas.so.13", "cuBLAS", 13),
        ("libcublasLt.so.13", "cuBLAS light", 13),
        ("libcurand.so.10", "cuRAND", 10),
    ];

    /// <summary>Looks for all of them.</summary>
    /// <param name="probe">How.</param>
    /// <param name="runtime">ONNX Runtime's library as it is loaded: its version, and whether it was built for CUDA.</param>
    /// <param name="runtimeWanted">The version of the managed package: both must be of one release.</param>
    /// <param name="pluginLibrary">The plug-in, where one is to be used; empty otherwise.</param>
    public static IReadOnlyList<LibraryFinding> Find(
        ILibraryProbe probe, (string Version, bool HasCuda) runtime, string runtimeWanted, string pluginLibrary)
    {
        var findings = new List<LibraryFinding> { FindDriver(probe) };
        findings.AddRange(Needed.Select(need => FindOne(probe, need.Name, need.Role, need.Major)));
        if (pluginLibrary.Length > 0)
        {
            findings.Add(new LibraryFinding(
                "libonnxruntime.so", "ONNX Runtime", runtimeWanted, runtime.Version, runtime.Version == runtimeWanted));
            var exists = File.Exists(pluginLibrary);
            findings.Add(new LibraryFinding(pluginLibrary, "CUDA plug-in", "a file", exists ? "it" : NotFound, exists));
            return findings;
        }

        findings.Add(new LibraryFinding(
            "libonnxruntime.so", "ONNX Runtime", $"{runtimeWanted} built for CUDA",
            $"{runtime.Version} built for {(runtime.HasCuda ? "CUDA" : "the CPU alone; -p:OnnxRuntime=Gpu builds with the other")}",
            runtime.HasCuda && runtime.Version == runtimeWanted));
        findings.Add(FindProvider(probe, SharedProviders, "ONNX Runtime's bridge to providers", null));
        findings.Add(FindProvider(probe, Providers, "ONNX Runtime's CUDA provider", runtimeWanted));
        return findings;
    }

    /// <summary>Refuses to go on where something is missing or of another version.</summary>
    /// <exception cref="InvalidDataException">It is; the message names each library, what was wanted and what was found.</exception>
    public static void Require(IReadOnlyList<LibraryFinding> findings)
    {
        if (findings.All(finding => finding.Fits))
            return;
        // The first line says it all, for whoever sees no more of it.
        var missing = findings.Where(finding => !finding.Fits).Select(finding => $"{finding.Library} ({finding.Role})");
        var text = new StringBuilder($"CUDA is asked for, and this machine lacks {string.Join(", ", missing)}.");
        foreach (var finding in findings)
            text.Append('\n').Append(finding.Fits ? "  ok      " : "  MISSING ").Append(finding);
        text.Append("\nName the folders of CUDA's libraries in Generator:Cuda:LibraryPath or LD_LIBRARY_PATH "
            + "(docs/cuda.md says where to get them), ")
            .Append("or set Generator:Device to cpu and serve a package for the CPU. Nothing falls back by itself.");
        throw new InvalidDataException(text.ToString());
    }

    private static LibraryFinding FindDriver(ILibraryProbe probe)
    {
        const string name = "libcuda.so.1";
        var wanted = $"{DriverMin} or newer";
        if (!probe.TryLoad(name))
            return new LibraryFinding(name, "NVIDIA driver", wanted, NotFound, false);
        var version = probe.VersionOf(name);
        return new LibraryFinding(name, "NVIDIA driver", wanted, version?.ToString() ?? "no version", version >= DriverMin);
    }

    private static LibraryFinding FindOne(ILibraryProbe probe, string name, string role, int major)
    {
        var wanted = $"{major}.x";
        if (probe.TryLoad(name))
        {
            var version = probe.VersionOf(name);
            return new LibraryFinding(name, role, wanted, version?.ToString() ?? "no version", version?.Major == major);
        }

        // Another release says more than nothing: it is what the machine's administrator thought would do.
        var stem = name[..name.LastIndexOf('.')];
        foreach (var other in new[] { major + 1, major - 1, major - 2 })
        {
            var otherName = $"{stem}.{other}";
            if (probe.TryLoad(otherName))
                return new LibraryFinding(name, role, wanted, $"{otherName} {probe.VersionOf(otherName)}".TrimEnd(), false);
        }

        return new LibraryFinding(name, role, wanted, NotFound, false);
    }

    private static LibraryFinding FindProvider(ILibraryProbe probe, string name, string role, string? version)
    {
        if (probe.FindFile(name) is not { } path)
            return new LibraryFinding(name, role, version ?? "a file", $"{NotFound} beside libonnxruntime.so", false);
        if (version is null)
            return new LibraryFinding(name, role, "a file", path, true);
        var fits = probe.Holds(path, version);
        return new LibraryFinding(name, role, version, fits ? version : $"{path} of another version", fits);
    }
}
