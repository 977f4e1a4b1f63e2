using System.Globalization;

namespace Parley.Generator.Execution.Cuda;

/// <summary>The settings of ONNX Runtime's CUDA provider, as the texts that it takes.</summary>
internal static class CudaProviderOptions
{
    /// <summary>The one key whose value is an address, which ONNX Runtime does not read from text.</summary>
    public const string StreamKey = "user_compute_stream";

    /// <summary>Assembles them.</summary>
    /// <param name="options">The device.</param>
    /// <param name="arenaBytes">Most of the device's memory that weights and steps may take.</param>
    public static Dictionary<string, string> Create(CudaOptions options, long arenaBytes) => new(StringComparer.Ordinal)
    {
        ["device_id"] = options.DeviceId.ToString(CultureInfo.InvariantCulture),
        ["gpu_mem_limit"] = arenaBytes.ToString(CultureInfo.InvariantCulture),
        // The default doubles what was asked for; the KV cache has all that is left.
        ["arena_extend_strategy"] = "kSameAsRequested",
        ["do_copy_in_default_stream"] = "1",
        ["enable_cuda_graph"] = options.GraphSequencesMax > 0 ? "1" : "0",
        ["use_tf32"] = options.Tf32 ? "1" : "0",
        // No convolution here, so nothing needs cuDNN, and its paged attention must be warmed before a capture.
        ["enable_cudnn"] = "0",
    };

    /// <summary>Settings of the session beside the provider's.</summary>
    public static IReadOnlyDictionary<string, string> SessionEntries { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        // A node on the CPU would cost two copies and a wait in each layer, in silence.
        ["session.disable_cpu_ep_fallback"] = "1",
        ["session.use_device_allocator_for_initializers"] = "1",
    };
}
