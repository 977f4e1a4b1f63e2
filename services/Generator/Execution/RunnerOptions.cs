using Parley.Generator.Execution.Kernels;

namespace Parley.Generator.Execution;

/// <summary>The sizes of a runner; all buffers are made from them at start.</summary>
internal sealed record RunnerOptions
{
    /// <summary>Positions per KV block.</summary>
    /// <value>A power of two from 16; the default is 32.</value>
    public int BlockTokens { get; init; } = 32;

    /// <summary>How keys and values lie in the blocks.</summary>
    public KvCachePrecision CachePrecision { get; init; } = KvCachePrecision.Fp32;

    /// <summary>KV blocks, shared by all sequences.</summary>
    public required int BlockCount { get; init; }

    /// <summary>Slots for what sequences carry beside keys and values, where the model has states.</summary>
    /// <value>The default 0 is one for each sequence of a step.</value>
    public int StateSlots { get; init; }

    /// <summary>New tokens of one step over all sequences.</summary>
    public required int StepTokensMax { get; init; }

    /// <summary>Sequences of one step.</summary>
    public required int SequencesMax { get; init; }

    /// <summary>Rows of logits of one step.</summary>
    public required int LogitRowsMax { get; init; }

    /// <summary>Tokens of one sequence, prompt and answer together; at most the model's.</summary>
    public required int ContextTokensMax { get; init; }

    /// <summary>Whether the package's head for further tokens is loaded, whose keys and values then lie in the blocks, too.</summary>
    public bool Drafts { get; init; }

    /// <summary>Threads of the session.</summary>
    /// <value>The default 0 is one per physical core.</value>
    public int Threads { get; init; }

    /// <summary>How long a thread without work looks for some within a step before it sleeps.</summary>
    /// <value>Microseconds; 0 is not at all. The default 20 spans the gaps between the nodes of a step.</value>
    public int SpinMicroseconds { get; init; } = 20;

    /// <summary>Beginning of the path of a file in which ONNX Runtime writes the time of each node; null: none. For benchmarks.</summary>
    public string? ProfilePrefix { get; init; }

    /// <summary>Blocks of the longest sequence.</summary>
    public int BlocksPerSequenceMax => (ContextTokensMax + BlockTokens - 1) / BlockTokens;

    /// <summary>A step batch of these sizes.</summary>
    public StepBatch CreateBatch() => new(StepTokensMax, SequencesMax, BlocksPerSequenceMax, LogitRowsMax);
}
