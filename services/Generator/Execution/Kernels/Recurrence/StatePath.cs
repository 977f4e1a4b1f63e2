namespace Parley.Generator.Execution.Kernels.Recurrence;

/// <summary>
/// Where the state of one head lies before and behind each row of a tile. Rows that keep it write it where it is kept, all others go on in
/// one working copy, so nothing is ever copied. Or, where a kernel has it so, what is kept goes to memory past the caches, and rows go on
/// in the working copy then, too: the processor need not fetch what is written over.
/// </summary>
internal unsafe struct StatePath
{
    /// <summary>Rows of a tile: their vectors stay in the first-level cache beside a part of the state.</summary>
    public const int TileRows = 16;

    private const int AlignmentBytes = 64;

    private fixed long _places[TileRows + 1];
    private fixed long _past[TileRows];
    private readonly float* _working;

    /// <param name="step">The step.</param>
    /// <param name="sequence">Index of the sequence.</param>
    /// <param name="offset">First number of the head in a slot.</param>
    /// <param name="working">A copy of the thread's own [<paramref name="count"/>].</param>
    /// <param name="count">Numbers of the head's state.</param>
    public StatePath(RecurrentStep* step, int sequence, long offset, float* working, int count)
    {
        _working = working;
        var given = Part(step, step->StateIn[sequence], offset);
        if (given is null)
            new Span<float>(working, count).Clear();
        _places[0] = (long)(given is null ? working : given);
    }

    /// <summary>Lays out the next tile behind the one before.</summary>
    /// <param name="step">The step.</param>
    /// <param name="first">First row.</param>
    /// <param name="count">Rows, at most <see cref="TileRows"/>.</param>
    /// <param name="isLast">Nothing of the sequence follows.</param>
    /// <param name="offset">First number of the head in a slot.</param>
    /// <param name="goesPast">Whether the kernel looks at <see cref="Past"/>.</param>
    public void Enter(RecurrentStep* step, int first, int count, bool isLast, long offset, bool goesPast = false)
    {
        var given = (float*)_places[0];
        for (var i = 0; i < count; i++)
        {
            var kept = Part(step, step->StateOut[first + i], offset);
            var wanted = kept is not null || !isLast || i < count - 1;
            // What is changed in place is in the caches already.
            var isPast = goesPast && kept is not null && kept != given && (nint)kept % AlignmentBytes == 0;
            _past[i] = isPast ? (long)kept : 0;
            _places[i + 1] = (long)(kept is not null && !isPast ? kept : wanted ? _working : null);
        }
    }

    /// <summary>The state behind the last row of a tile is the one before the next tile's first.</summary>
    public void Leave(int count) => _places[0] = _places[count];

    /// <summary>A copy of the thread's own, which nobody reads behind the last row.</summary>
    public readonly float* Working => _working;

    /// <summary>The state before a row of the tile.</summary>
    public readonly float* Before(int row) => (float*)_places[row];

    /// <summary>The state behind a row of the tile; null where nobody wants it.</summary>
    public readonly float* Behind(int row) => (float*)_places[row + 1];

    /// <summary>Where the state behind a row is kept past the caches, beside <see cref="Behind"/>; null where it is not.</summary>
    public readonly float* Past(int row) => (float*)_past[row];

    private static float* Part(RecurrentStep* step, int slot, long offset) => slot < 0 ? null : step->State(slot) + offset;
}
