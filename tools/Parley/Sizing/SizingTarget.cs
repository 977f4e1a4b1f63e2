using Parley.Generator.Execution.Kernels;

namespace Parley.Cli.Sizing;

/// <summary>What is to be served.</summary>
/// <param name="ContextTokens">Prompt and answer of one sequence; 0 is what the model's package serves.</param>
/// <param name="Sequences">Sequences at once over all replicas; null leaves it to what else is given.</param>
/// <param name="MemoryBytes">Memory limit of one replica, or free memory of its GPU; null is as much as it takes.</param>
/// <param name="KvPrecision">Of the KV cache on the CPU.</param>
/// <param name="Processors">Whole processors of one replica.</param>
/// <param name="Load">Requests to be answered; null where only memory is asked about.</param>
internal sealed record SizingTarget(
    int ContextTokens, int? Sequences, long? MemoryBytes, KvCachePrecision KvPrecision, int Processors, RequestLoad? Load);
