using Parley.Generator.Execution;

namespace Parley.Cli.Bench.Engine;

/// <summary>Which steps are measured.</summary>
/// <param name="Batches">Sequences of the decode steps.</param>
/// <param name="Pasts">Tokens in the cache before a decode step.</param>
/// <param name="Prompts">Tokens of the prefill steps.</param>
/// <param name="Repeats">Steps of each kind.</param>
/// <param name="CachePrecision">How keys and values lie in the cache.</param>
/// <param name="BlockTokens">Positions per KV block.</param>
internal sealed record EngineLoad(
    int[] Batches, int[] Pasts, int[] Prompts, int Repeats, KvCachePrecision CachePrecision, int BlockTokens);
