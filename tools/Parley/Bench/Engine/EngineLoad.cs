using Parley.Generator.Execution.Kernels;

namespace Parley.Cli.Bench.Engine;

/// <summary>Which steps are measured.</summary>
/// <param name="Batches">Sequences of the decode steps.</param>
/// <param name="Pasts">Tokens in the cache before a decode step.</param>
/// <param name="Prompts">Tokens of the prefill steps.</param>
/// <param name="Repeats">Steps of each kind.</param>
/// <param name="CachePrecision">How keys and values lie in the cache.</param>
/// <param name="BlockTokens">Positions per KV block.</param>
/// <param name="LogitBests">How many of the best logits count, as in greedy (1) or top-k requests, 0 for all; measured by turns.</param>
/// <param name="SpinMicroseconds">How long a thread without work looks for some within a step.</param>
/// <param name="Parts">Whether the decode steps are taken apart as well.</param>
internal sealed record EngineLoad(
    int[] Batches, int[] Pasts, int[] Prompts, int Repeats, KvCachePrecision CachePrecision, int BlockTokens, int[] LogitBests,
    int SpinMicroseconds, bool Parts);
