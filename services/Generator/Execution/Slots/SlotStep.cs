namespace Parley.Generator.Execution.Slots;

/// <summary>
/// A step over slots, cut into runs: decode rows of slots that lie close together in one, then the chunks of prompts and the drafts one by
/// one. A slot between two decode rows takes part with a token that nobody reads, written where its own next token will be.
/// </summary>
/// <remarks>Everything is made once and reused. It remembers how far each slot has been written, and nothing else of a step.</remarks>
internal sealed class SlotStep
{
    private const int None = -1;

    private readonly int _contextTokensMax;
    private readonly int[] _sequenceOf;
    private readonly int[] _written;
    private readonly int[] _firstRow;
    private readonly int[] _rowCount;
    private readonly (int Run, int Row)[] _places;
    private readonly List<SlotRun> _runs = [];
    private StepBatch _batch = null!;

    /// <param name="slots">Slots; each holds one sequence.</param>
    /// <param name="contextTokensMax">Positions of a slot.</param>
    /// <param name="sequencesMax">Sequences of a step.</param>
    /// <param name="logitRowsMax">Rows of logits of a step.</param>
    public SlotStep(int slots, int contextTokensMax, int sequencesMax, int logitRowsMax)
    {
        _contextTokensMax = contextTokensMax;
        _sequenceOf = new int[slots];
        _written = new int[slots];
        _firstRow = new int[sequencesMax];
        _rowCount = new int[sequencesMax];
        _places = new (int, int)[logitRowsMax];
    }

    /// <summary>The runs of the step, in order.</summary>
    public IReadOnlyList<SlotRun> Runs => _runs;

    /// <summary>Where a row of the step's logits is computed: the run, and the row within it.</summary>
    public (int Run, int Row) PlaceOf(int logitRow) => _places[logitRow];

    /// <summary>Cuts a step.</summary>
    /// <exception cref="ArgumentException">A sequence is not in one slot of its own, or is longer than a slot.</exception>
    public void Plan(StepBatch batch)
    {
        _batch = batch;
        _runs.Clear();
        Array.Fill(_sequenceOf, None);
        for (int s = 0, row = 0; s < batch.SequenceCount; s++)
        {
            var slot = SlotOf(s);
            Check(s, slot);
            _sequenceOf[slot] = s;
            _firstRow[s] = row;
            while (row < batch.LogitRowCount && batch.LogitRows[row] < batch.CumulativeLengths[s + 1])
                row++;
            _rowCount[s] = row - _firstRow[s];
        }

        PlanSingles();
        for (var s = 0; s < batch.SequenceCount; s++)
        {
            if (NewTokens(s) == 1)
                continue;
            for (var i = 0; i < _rowCount[s]; i++)
                _places[_firstRow[s] + i] = (_runs.Count, i);
            _runs.Add(new SlotRun(SlotOf(s), 1, NewTokens(s), _rowCount[s]));
        }
    }

    /// <summary>Writes the inputs of a run.</summary>
    /// <param name="run">One of <see cref="Runs"/>.</param>
    /// <param name="ids">Receives its tokens, slot after slot.</param>
    /// <param name="rows">Receives the tokens whose logits are computed [<see cref="SlotRun.BoundLogitRows"/>].</param>
    /// <param name="positions">Receives the position of each slot's last token [<see cref="SlotRun.Slots"/>].</param>
    /// <returns>Positions up to the last of all of them.</returns>
    public int Pack(SlotRun run, Span<long> ids, Span<long> rows, Span<int> positions)
    {
        rows[0] = 0;
        if (run.TokensEach == 1)
            PackSingles(run, ids, rows, positions);
        else
            PackChunk(_sequenceOf[run.FirstSlot], ids, rows, positions);

        var longest = 0;
        foreach (var position in positions)
            longest = Math.Max(longest, position + 1);
        return longest;
    }

    /// <summary>The step ran: its tokens are in the slots.</summary>
    public void Commit()
    {
        for (var s = 0; s < _batch.SequenceCount; s++)
            _written[SlotOf(s)] = _batch.PastLengths[s] + NewTokens(s);
    }

    /// <summary>Positions of a slot that were written.</summary>
    public int WrittenOf(int slot) => _written[slot];

    /// <summary>A slot was copied over another.</summary>
    public void Copied(int source, int destination) => _written[destination] = _written[source];

    /// <summary>
    /// Neighbours go together, and so do those between which no more slots lie than take part: a further run reads all weights again, a
    /// token that nobody reads costs what one row does.
    /// </summary>
    private void PlanSingles()
    {
        var (first, last, count, rows) = (None, None, 0, 0);
        for (var slot = 0; slot < _sequenceOf.Length; slot++)
        {
            var s = _sequenceOf[slot];
            if (s == None || NewTokens(s) > 1)
                continue;
            if (count > 0 && slot - first + 1 > 2 * (count + 1))
            {
                _runs.Add(new SlotRun(first, last - first + 1, 1, rows));
                (count, rows) = (0, 0);
            }

            if (count++ == 0)
                first = slot;
            last = slot;
            if (_rowCount[s] > 0)
                _places[_firstRow[s]] = (_runs.Count, rows++);
        }

        if (count > 0)
            _runs.Add(new SlotRun(first, last - first + 1, 1, rows));
    }

    private void PackSingles(SlotRun run, Span<long> ids, Span<long> rows, Span<int> positions)
    {
        var row = 0;
        for (var i = 0; i < run.Slots; i++)
        {
            var s = _sequenceOf[run.FirstSlot + i];
            var takesPart = s != None && NewTokens(s) == 1;
            ids[i] = takesPart ? _batch.InputIds[_batch.CumulativeLengths[s]] : 0;
            // The last position is never anybody's: a sequence ends before its last token is read.
            positions[i] = Math.Min(s == None ? _written[run.FirstSlot + i] : _batch.PastLengths[s], _contextTokensMax - 1);
            if (takesPart && _rowCount[s] > 0)
                rows[row++] = i;
        }
    }

    private void PackChunk(int s, Span<long> ids, Span<long> rows, Span<int> positions)
    {
        var start = _batch.CumulativeLengths[s];
        _batch.InputIds.AsSpan(start, ids.Length).CopyTo(ids);
        for (var i = 0; i < _rowCount[s]; i++)
            rows[i] = _batch.LogitRows[_firstRow[s] + i] - start;
        positions[0] = _batch.PastLengths[s] + ids.Length - 1;
    }

    private int SlotOf(int s) => _batch.BlockTable[s * _batch.BlockTableWidth];

    private int NewTokens(int s) => _batch.CumulativeLengths[s + 1] - _batch.CumulativeLengths[s];

    private void Check(int s, int slot)
    {
        if ((uint)slot >= (uint)_sequenceOf.Length)
            throw new ArgumentException($"Sequence {s} is in slot {slot}; there are {_sequenceOf.Length}.");
        if (_sequenceOf[slot] != None)
            throw new ArgumentException($"Sequences {_sequenceOf[slot]} and {s} are both in slot {slot}.");
        if (_batch.PastLengths[s] + NewTokens(s) > _contextTokensMax)
        {
            throw new ArgumentException(
                $"Sequence {s} has {_batch.PastLengths[s] + NewTokens(s)} tokens and a slot {_contextTokensMax} positions; a sequence with "
                + "GroupQueryAttention is no longer than Generator:ContextTokensMax.");
        }
    }
}
