using System.ComponentModel.DataAnnotations;

namespace Parley.Generator.Execution.Cuda;

/// <summary>Settings of the CUDA device: section <c>Generator:Cuda</c>; read when <c>Generator:Device</c> is <c>cuda</c>.</summary>
internal sealed class CudaOptions
{
    /// <summary>The GPU. A Generator has one; several GPUs are several Generators.</summary>
    /// <value>0 to 127; default 0. Numbers are CUDA's, after CUDA_VISIBLE_DEVICES.</value>
    [Range(0, 127)]
    public int DeviceId { get; set; }

    /// <summary>Folders in which CUDA's libraries and ONNX Runtime's providers are looked for first, joined by colons.</summary>
    /// <value>Default empty: beside the program, then where the system's loader looks (LD_LIBRARY_PATH, ldconfig).</value>
    public string LibraryPath { get; set; } = "";

    /// <summary>The folders of <see cref="LibraryPath"/>.</summary>
    internal string[] Folders => LibraryPath.Split(':', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>ONNX Runtime's CUDA plug-in (an execution provider library) instead of the provider of its GPU package.</summary>
    /// <value>Path of the library; default empty: the provider that belongs to ONNX Runtime's own build.</value>
    public string PluginLibrary { get; set; } = "";

    /// <summary>The plug-in's version; another one is refused, because the operators' schemas carry none.</summary>
    /// <value>Default <c>0.1.0</c>.</value>
    public string PluginVersion { get; set; } = "0.1.0";

    /// <summary>Share of the memory that is free at start of which weights, steps and KV cache are made.</summary>
    /// <value>0.05 to 1; default 0.95.</value>
    [Range(0.05, 1)]
    public double MemoryFraction { get; set; } = 0.95;

    /// <summary>Memory that stays free beside it: CUDA's own, its libraries' workspaces, what nobody can foresee.</summary>
    /// <value>0 to 1,048,576 MB; default 1,024.</value>
    [Range(0, 1_048_576)]
    public int ReserveMegabytes { get; set; } = 1024;

    /// <summary>Memory of the KV cache.</summary>
    /// <value>0 to 1,048,576 MB; default 0: all that is left, as far as the running sequences could fill it.</value>
    [Range(0, 1_048_576)]
    public int KvCacheMegabytes { get; set; }

    /// <summary>Decode steps of up to this many sequences are captured as CUDA graphs and replayed.</summary>
    /// <value>0 to 256; default 64; 0 is off.</value>
    [Range(0, 256)]
    public int GraphSequencesMax { get; set; } = 64;

    /// <summary>Matrix products of fp32 in tf32. Weights of 16 bits do not care.</summary>
    /// <value>Default false.</value>
    public bool Tf32 { get; set; }

    /// <summary>Compare the device's attention with the CPU's before serving.</summary>
    /// <value>Default true.</value>
    public bool SelfTest { get; set; } = true;
}
