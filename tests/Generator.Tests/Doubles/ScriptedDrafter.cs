using Parley.Generator.Execution;

namespace Parley.Generator.Tests.Doubles;

/// <summary>
/// A head whose guess is a function of the last token and its place. It remembers which places of which blocks it has keys for, so that one
/// which it was not shown before it guesses is noticed.
/// </summary>
internal sealed class ScriptedDrafter(int blockCount = 64, int blockTokens = 4) : IDrafter
{
    private readonly bool[] _hasKeys = new bool[blockCount * blockTokens];
    private readonly int[] _guesses = new int[64];
    private int _lastRows;

    /// <summary>What comes behind a token, and the place of that token.</summary>
    public required Func<uint, int, int> GuessOf { get; init; }

    /// <summary>Throws from the start of each run.</summary>
    public bool Fails { get; set; }

    /// <summary>Places that were guessed behind without keys for all of them.</summary>
    public int Holes { get; private set; }

    public int Runs { get; private set; }

    public ReadOnlySpan<int> Guess(StepBatch batch, ReadOnlySpan<int> streams, bool goesOn)
    {
        Runs++;
        if (Fails)
            throw new InvalidOperationException("head");
        Assert.Equal(batch.TokenCount, streams.Length);
        if (goesOn)
            Assert.All(streams.ToArray(), stream => Assert.InRange(stream, 0, _lastRows - 1));
        var row = 0;
        for (var sequence = 0; sequence < batch.SequenceCount; sequence++)
        {
            var (first, end) = (batch.CumulativeLengths[sequence], batch.CumulativeLengths[sequence + 1]);
            var table = batch.BlockTable.AsSpan(sequence * batch.BlockTableWidth, batch.BlockTableWidth);
            for (var token = first; token < end; token++)
            {
                var position = batch.PastLengths[sequence] + token - first;
                _hasKeys[Place(table, position)] = true;
                if (row == batch.LogitRowCount || batch.LogitRows[row] != token)
                    continue;
                for (var i = 0; i <= position; i++)
                    Holes += _hasKeys[Place(table, i)] ? 0 : 1;
                _guesses[row++] = GuessOf((uint)batch.InputIds[token], position + 1);
            }
        }

        _lastRows = row;
        return _guesses.AsSpan(0, row);
    }

    private int Place(ReadOnlySpan<int> table, int position) => (table[position / blockTokens] * blockTokens) + (position % blockTokens);
}
