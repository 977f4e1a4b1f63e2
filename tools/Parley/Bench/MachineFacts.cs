using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Parley.Cli.Bench;

/// <summary>The machine and software that figures belong to.</summary>
/// <param name="Processor">Vendor's name and family, where the system tells them.</param>
/// <param name="Cores">Processors that this process may use.</param>
/// <param name="Features">Those that the kernels ask for: avx2, avx512f, avx512_vnni, avx_vnni, avx512_bf16, amx_int8 …</param>
/// <param name="MemoryGigabytes">Memory that this process may use.</param>
/// <param name="System">Operating system.</param>
/// <param name="Runtime">.NET's version.</param>
/// <param name="Parley">Version of this program.</param>
internal sealed record MachineFacts(
    string Processor, int Cores, IReadOnlyList<string> Features, double MemoryGigabytes, string System, string Runtime, string Parley)
{
    private const string ProcessorInfo = "/proc/cpuinfo";

    private static readonly string[] FeaturesOfInterest =
    [
        "avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_int8", "asimddp",
        "i8mm",
    ];

    public static MachineFacts Read()
    {
        var lines = File.Exists(ProcessorInfo) ? File.ReadAllLines(ProcessorInfo) : [];
        var name = Value(lines, "model name") is { Length: > 0 } found ? found : RuntimeInformation.ProcessArchitecture.ToString();
        var family = Value(lines, "cpu family");
        var flags = Value(lines, "flags").Split(' ').Concat(Value(lines, "Features").Split(' ')).ToHashSet();
        return new MachineFacts(
            family.Length > 0 ? $"{name} (family {family}, model {Value(lines, "model")})" : name,
            Environment.ProcessorCount,
            lines.Length > 0 ? [.. FeaturesOfInterest.Where(flags.Contains)] : Supported(),
            Math.Round(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1e9, 1),
            RuntimeInformation.OSDescription,
            RuntimeInformation.FrameworkDescription,
            typeof(MachineFacts).Assembly.GetName().Version?.ToString(3) ?? "");
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Processor}, {Cores} cores, {MemoryGigabytes} GB, {string.Join(' ', Features)}; {Runtime}, {System}");

    private static string Value(string[] lines, string name)
    {
        var line = lines.FirstOrDefault(
            line => line.StartsWith(name, StringComparison.Ordinal) && line[name.Length..].TrimStart() is [':', ..]);
        return line is null ? "" : line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
    }

    private static List<string> Supported()
    {
        var features = new List<string>();
        if (Avx2.IsSupported)
            features.Add("avx2");
        if (AvxVnni.IsSupported)
            features.Add("avx_vnni");
        if (Avx512F.IsSupported)
            features.Add("avx512f");
        return features;
    }
}
