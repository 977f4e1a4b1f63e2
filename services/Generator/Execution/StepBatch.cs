using Parley.Generator.Execution.Kernels.Adapters;

namespace Parley.Generator.Execution;

/// <summary>
/// The input of one step, in buffers that are sized once and reused. Sequence i owns the tokens
/// [CumulativeLengths[i], CumulativeLengths[i + 1]) of <see cref="InputIds"/>; they stand at the positions from PastLengths[i] on.
/// </summary>
internal sealed class StepBatch(int tokensMax, int sequencesMax, int blocksPerSequenceMax, int logitRowsMax)
{
    /// <summary>Token ids [TokenCount].</summary>
    public long[] InputIds { get; } = new long[tokensMax];

    /// <summary>Indices into the tokens whose logits are wanted [LogitRowCount], ascending.</summary>
    public long[] LogitRows { get; } = new long[logitRowsMax];

    /// <summary>
    /// How many of the best logits of a row decide [LogitRowCount], 0 for all: the others need only be below them, and a device need not
    /// give them away (<see cref="ICandidateRunner"/>).
    /// </summary>
    public int[] LogitBest { get; } = new int[logitRowsMax];

    /// <summary>Running sum of new tokens [SequenceCount + 1]; the first is 0, the last TokenCount.</summary>
    public int[] CumulativeLengths { get; } = new int[sequencesMax + 1];

    /// <summary>Tokens of each sequence that are in the cache already [SequenceCount].</summary>
    public int[] PastLengths { get; } = new int[sequencesMax];

    /// <summary>The length that decides the rotation of each sequence's tokens, where the model asks for one [SequenceCount].</summary>
    public int[] RotaryLengths { get; } = new int[sequencesMax];

    /// <summary>
    /// Slot of the states that each sequence begins from [SequenceCount], where the model has states; −1 for none: it begins anew.
    /// </summary>
    public int[] StateIn { get; } = new int[sequencesMax];

    /// <summary>Slot that the states behind each token go to [TokenCount]; −1 for none.</summary>
    public int[] StateOut { get; } = new int[tokensMax];

    /// <summary>What is added to the model for each sequence [SequenceCount]; null for nothing.</summary>
    public AdapterWeights?[] Adapters { get; } = new AdapterWeights?[sequencesMax];

    /// <summary>Block ids of each sequence in order [SequenceCount, BlockTableWidth], row-major; unused entries are 0.</summary>
    public int[] BlockTable { get; } = new int[sequencesMax * blocksPerSequenceMax];

    public int TokensMax => tokensMax;

    public int SequencesMax => sequencesMax;

    public int BlocksPerSequenceMax => blocksPerSequenceMax;

    public int LogitRowsMax => logitRowsMax;

    public int TokenCount { get; private set; }

    public int SequenceCount { get; private set; }

    public int LogitRowCount { get; private set; }

    /// <summary>Blocks of the longest sequence of this step.</summary>
    public int BlockTableWidth { get; private set; }

    /// <summary>Empties the batch for a step whose longest sequence has <paramref name="blockTableWidth"/> blocks.</summary>
    public void Clear(int blockTableWidth)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(blockTableWidth, blocksPerSequenceMax);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(blockTableWidth);
        Adapters.AsSpan().Clear();
        TokenCount = 0;
        SequenceCount = 0;
        LogitRowCount = 0;
        BlockTableWidth = blockTableWidth;
        CumulativeLengths[0] = 0;
    }

    /// <summary>Adds a sequence's new tokens.</summary>
    /// <param name="ids">The new tokens; at least one.</param>
    /// <param name="pastLength">Tokens of the sequence in the cache.</param>
    /// <param name="blocks">Its blocks, enough for past and new tokens.</param>
    /// <param name="logitRows">How many of the last new tokens want logits: 0 for a chunk that is not the last, 1 for a decode row.</param>
    /// <param name="logitBest">How many of the best logits of each decide; 0 for all.</param>
    /// <param name="rotaryLength">The length that decides the rotation of its tokens.</param>
    public void Add(
        ReadOnlySpan<uint> ids, int pastLength, ReadOnlySpan<int> blocks, int logitRows, int logitBest = 0, int rotaryLength = 0)
    {
        ArgumentOutOfRangeException.ThrowIfZero(ids.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(blocks.Length, BlockTableWidth);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(logitRows, ids.Length);
        for (var i = 0; i < ids.Length; i++)
            InputIds[TokenCount + i] = ids[i];
        for (var i = logitRows; i > 0; i--)
        {
            LogitBest[LogitRowCount] = logitBest;
            LogitRows[LogitRowCount++] = TokenCount + ids.Length - i;
        }

        var row = BlockTable.AsSpan(SequenceCount * BlockTableWidth, BlockTableWidth);
        blocks.CopyTo(row);
        row[blocks.Length..].Clear();
        PastLengths[SequenceCount] = pastLength;
        RotaryLengths[SequenceCount] = rotaryLength;
        StateIn[SequenceCount] = -1;
        StateOut.AsSpan(TokenCount, ids.Length).Fill(-1);
        TokenCount += ids.Length;
        CumulativeLengths[++SequenceCount] = TokenCount;
    }

    /// <summary>Says what is added to the model for the sequence that was added last.</summary>
    public void SetAdapter(AdapterWeights? adapter) => Adapters[SequenceCount - 1] = adapter;

    /// <summary>The sequence that was added last goes on in a slot of its own, which holds what the step before has left there.</summary>
    public void ContinueStates(int slot)
    {
        SetStateIn(PastLengths[SequenceCount - 1] == 0 ? -1 : slot);
        StateOut[TokenCount - 1] = slot;
    }

    /// <summary>Says where the states of the sequence that was added last come from.</summary>
    /// <param name="slot">Read before anything of the sequence is written; −1 for none.</param>
    public void SetStateIn(int slot) => StateIn[SequenceCount - 1] = slot;

    /// <summary>Says where the states behind one of its new tokens go.</summary>
    /// <param name="row">Index among its new tokens.</param>
    /// <param name="slot">A slot that no other sequence of the step reads.</param>
    public void SetStateOut(int row, int slot) => StateOut[CumulativeLengths[SequenceCount - 1] + row] = slot;
}
