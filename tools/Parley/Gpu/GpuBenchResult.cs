namespace Parley.Cli.Gpu;

/// <summary>What a device does at one precision.</summary>
/// <param name="Device">The device.</param>
/// <param name="Precision">The package.</param>
/// <param name="Graphs">Decode steps are replayed CUDA graphs.</param>
/// <param name="BandwidthGbs">Measured copy bandwidth, bytes read and written.</param>
/// <param name="WeightBytes">Bytes of weights that each decode step reads.</param>
/// <param name="KvBytesPerToken">Bytes of keys and values that one token adds.</param>
/// <param name="Steps">Bare model steps.</param>
/// <param name="BandwidthShares">Of each decode step: bytes it must read / time / bandwidth.</param>
/// <param name="Engine">Whole engine: scheduler, sampling (temperature 0.6, top-k 50, top-p 0.9), streams.</param>
/// <param name="Error">What ended it before its end; null where nothing did.</param>
internal sealed record GpuBenchResult(
    string Device, string Precision, bool Graphs, double BandwidthGbs, long WeightBytes, long KvBytesPerToken,
    IReadOnlyList<GpuStep> Steps, IReadOnlyDictionary<string, double> BandwidthShares, IReadOnlyList<GpuStep> Engine, string? Error = null);
