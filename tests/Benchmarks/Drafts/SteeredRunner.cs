using System.Diagnostics;
using Parley.Generator.Execution;
using Parley.PackageFormat;

namespace Parley.Benchmarks.Drafts;

/// <summary>
/// A runner whose head is right as often as one says: it computes what it computes, and its guesses are exchanged for tokens of an answer
/// that is known, or for others. All streams say the same answer, so a position is enough to find a token.
/// </summary>
internal sealed class SteeredRunner(IModelRunner inner) : IModelRunner, IDrafter
{
    private readonly int[] _guesses = new int[64];
    private Random _random = new(1);

    /// <summary>Prompt and answer; null leaves guesses as they are.</summary>
    public uint[]? Known { get; private set; }

    /// <summary>Share of right guesses.</summary>
    public double Acceptance { get; private set; }

    public ModelShape Shape => inner.Shape;

    public int BlockTokens => inner.BlockTokens;

    public int BlockCount => inner.BlockCount;

    public int StateSlots => inner.StateSlots;

    public string Device => inner.Device;

    public int FreeTokens => inner.FreeTokens;

    public bool SkipsBehindWindow => inner.SkipsBehindWindow;

    public IDrafter? Drafter => this;

    /// <summary>Time in the head.</summary>
    public TimeSpan HeadTime { get; private set; }

    /// <summary>From now on a guess is right with this probability, always by the same dice.</summary>
    public void Steer(uint[] known, double acceptance) => (Known, Acceptance, _random) = (known, acceptance, new Random(1));

    public ReadOnlySpan<int> Guess(StepBatch batch, ReadOnlySpan<int> streams, bool goesOn)
    {
        var started = Stopwatch.GetTimestamp();
        var guesses = inner.Drafter!.Guess(batch, streams, goesOn);
        HeadTime += Stopwatch.GetElapsedTime(started);
        if (Known is null)
            return guesses;
        var row = 0;
        for (var sequence = 0; sequence < batch.SequenceCount && row < guesses.Length; sequence++)
        {
            var last = batch.CumulativeLengths[sequence + 1] - 1;
            if (batch.LogitRows[row] != last)
                continue;
            // The last id stands one behind its stream, and the guess one behind that.
            var index = batch.PastLengths[sequence] + last - batch.CumulativeLengths[sequence] + 2;
            var right = index < Known.Length ? (int)Known[index] : 0;
            _guesses[row++] = _random.NextDouble() < Acceptance ? right : (right + 1) % Shape.VocabularySize;
        }

        return _guesses.AsSpan(0, row);
    }

    public ReadOnlyMemory<float> Run(StepBatch batch) => inner.Run(batch);

    public void CopyBlock(int source, int destination) => inner.CopyBlock(source, destination);

    public void Terminate() => inner.Terminate();

    public void Dispose() => inner.Dispose();
}
