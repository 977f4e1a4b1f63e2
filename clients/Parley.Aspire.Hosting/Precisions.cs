namespace Parley.Aspire.Hosting;

/// <summary>The precisions of the importer, which is not here: a test compares the lists.</summary>
internal static class Precisions
{
    public static IReadOnlyList<string> Cpu { get; } = ["fp32", "int8", "w8a8", "int4"];

    public static IReadOnlyList<string> Cuda { get; } = ["bf16", "fp16", "int4-fp16"];
}
