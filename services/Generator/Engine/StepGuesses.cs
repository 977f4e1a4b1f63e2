using Parley.Generator.Execution;
using Parley.Generator.Scheduling;
using Parley.Generator.Sequences;
using Parley.Generator.Speculation;

namespace Parley.Generator.Engine;

/// <summary>
/// Lets the model's own head guess behind a step, whose streams are still there: over every token that the step has left in the cache,
/// since each has a successor by now, so that the head has keys for all of them; and further from its own guesses, one token at a time.
/// What goes wrong here costs guesses and nothing else.
/// </summary>
/// <param name="drafter">The head.</param>
/// <param name="speculator">Says how much to guess.</param>
/// <param name="limits">Sizes; buffers are made once from them.</param>
/// <param name="blockTokens">Positions of a block.</param>
/// <param name="blocksMax">Blocks of the longest sequence.</param>
/// <param name="logger">The log.</param>
internal sealed class StepGuesses(
    IDrafter drafter, Speculator speculator, EngineLimits limits, int blockTokens, int blocksMax, ILogger logger)
{
    private readonly StepBatch _batch = new(
        limits.StepTokensMax, limits.RunningSequencesMax, blocksMax, limits.RunningSequencesMax);

    private readonly int[] _streams = new int[limits.StepTokensMax];

    /// <summary>Whose guesses the next run makes, and how many more.</summary>
    private readonly List<(Sequence Sequence, int Wanted)> _guessing = [];

    private int _failuresInARow;

    /// <summary>Runs the head.</summary>
    /// <param name="plan">The step that has run; its rows are as they were packed.</param>
    /// <param name="step">What has run.</param>
    public void Run(StepPlan plan, StepBatch step)
    {
        if (_failuresInARow >= limits.StepFailuresMax)
            return;
        try
        {
            RunAll(plan, step);
            _failuresInARow = 0;
        }
        catch (Exception exception)
        {
            foreach (var row in plan.Rows)
                row.Sequence.DropGuesses();
            var isLast = ++_failuresInARow >= limits.StepFailuresMax;
            Log.GuessingFailed(logger, isLast ? "no more are made" : "none are made in this step", exception);
        }
    }

    private void RunAll(StepPlan plan, StepBatch step)
    {
        Pack(plan, step);
        if (_batch.TokenCount == 0)
            return;
        Take(drafter.Guess(_batch, _streams.AsSpan(0, _batch.TokenCount), goesOn: false));
        while (PackFurther())
            Take(drafter.Guess(_batch, _streams.AsSpan(0, _batch.TokenCount), goesOn: true));
    }

    /// <summary>Every token of the step that is in the cache, with the one behind it.</summary>
    private void Pack(StepPlan plan, StepBatch step)
    {
        var (width, decoding) = (1, 0);
        foreach (var row in plan.Rows)
        {
            width = Math.Max(width, row.Sequence.Blocks.Count);
            decoding += row.Sequence is { Status: SequenceStatus.Running, IsDecoding: true } ? 1 : 0;
        }

        _batch.Clear(width);
        _guessing.Clear();
        for (var i = 0; i < plan.Rows.Length; i++)
        {
            var sequence = plan.Rows[i].Sequence;
            sequence.DropGuesses();
            var past = step.PastLengths[i];
            var count = Math.Min(sequence.CachedLength, sequence.Length - 1) - past;
            if (sequence.Status != SequenceStatus.Running || count < 1)
                continue;
            var wanted = speculator.GuessTokens(sequence, decoding);
            if (wanted == 0 && sequence.IsDecoding && (sequence.Parameters.DraftTokens == 0 || !sequence.HeadDrafting.KeepsKeys))
                continue;
            var first = _batch.TokenCount;
            _batch.Add(
                sequence.Tokens.Slice(past + 1, count), past, sequence.Blocks.Blocks, wanted > 0 ? 1 : 0, logitBest: 1,
                sequence.RotaryLength);
            for (var token = 0; token < count; token++)
                _streams[first + token] = step.CumulativeLengths[i] + token;
            if (wanted > 0)
                _guessing.Add((sequence, wanted));
        }
    }

    /// <summary>The last guess of each sequence that wants another one, as far as its blocks reach: none is taken for a guess.</summary>
    private bool PackFurther()
    {
        _batch.Clear(_batch.BlockTableWidth);
        var kept = 0;
        for (var i = 0; i < _guessing.Count; i++)
        {
            var (sequence, wanted) = _guessing[i];
            var position = sequence.CachedLength + sequence.Guesses.Length - 1;
            if (sequence.Guesses.Length == 0 || wanted == 0 || position >= sequence.Blocks.Count * blockTokens)
                continue;
            _streams[_batch.TokenCount] = i;
            _batch.Add(sequence.Guesses[^1..], position, sequence.Blocks.Blocks, 1, logitBest: 1, sequence.RotaryLength);
            _guessing[kept++] = (sequence, wanted);
        }

        _guessing.RemoveRange(kept, _guessing.Count - kept);
        return kept > 0;
    }

    private void Take(ReadOnlySpan<int> guesses)
    {
        for (var i = 0; i < _guessing.Count; i++)
        {
            var (sequence, wanted) = _guessing[i];
            if (guesses[i] >= 0)
                sequence.AddGuess((uint)guesses[i]);
            _guessing[i] = (sequence, guesses[i] < 0 ? 0 : wanted - 1);
        }
    }
}
