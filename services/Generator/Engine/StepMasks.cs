using Parley.Generator.Guides;
using Parley.Generator.Guides.Limits;
using Parley.Generator.Sampling;
using Parley.Generator.Scheduling;
using Parley.Generator.Sequences;

namespace Parley.Generator.Engine;

/// <summary>
/// The masks of a step: made beside the model's run, since the tokens that decide them are known before it. Rows of one guide are one
/// task's work, those of different guides run side by side, and a step without guides costs nothing.
/// </summary>
/// <param name="logitRowsMax">Rows of logits of a step.</param>
/// <param name="told">Is told the time of the threads that made a step's masks, and what the step waited for them.</param>
/// <param name="time">The clock.</param>
internal sealed class StepMasks(int logitRowsMax, Action<TimeSpan, TimeSpan> told, TimeProvider time)
{
    private readonly uint[]?[] _masks = new uint[]?[logitRowsMax];
    private readonly Exception?[] _faults = new Exception?[logitRowsMax];
    private readonly Dictionary<Guide, List<(Sequence Sequence, int FirstRow, int Rows)>> _rows = [];
    private readonly List<Task> _tasks = [];
    private long _started;
    private long _busyTicks;

    /// <summary>Starts on the masks of all rows of a plan whose next token is sampled under a guide.</summary>
    public void Begin(StepPlan plan)
    {
        var firstRow = 0;
        foreach (var row in plan.Rows)
        {
            if (row is { WantsLogits: true, Sequence.Guide: { } matcher })
            {
                if (!_rows.TryGetValue(matcher.Guide, out var rows))
                    _rows.Add(matcher.Guide, rows = []);
                rows.Add((row.Sequence, firstRow + row.PromptRows, row.LogitRows - row.PromptRows));
            }

            firstRow += row.LogitRows;
        }

        if (_rows.Count == 0)
            return;
        (_started, _busyTicks) = (time.GetTimestamp(), 0);
        foreach (var rows in _rows.Values)
            _tasks.Add(Task.Run(() => FillAll(rows)));
    }

    /// <summary>Waits for them; whatever became of the step.</summary>
    public void Wait()
    {
        if (_tasks.Count == 0)
            return;
        var before = time.GetTimestamp();
        Task.WaitAll(_tasks);
        _tasks.Clear();
        _rows.Clear();
        told(TimeSpan.FromTicks(_busyTicks), time.GetElapsedTime(before));
    }

    /// <summary>The mask of a row; empty for a sequence without a guide.</summary>
    /// <exception cref="SamplingException">It cannot be told within the guide's limits.</exception>
    public ReadOnlySpan<uint> Of(Sequence sequence, int row)
    {
        if (sequence.Guide is not { } matcher)
            return default;
        return _faults[row] switch
        {
            null => _masks[row],
            GuideException exception => throw new SamplingException(
                FailureReason.NothingToChoose,
                $"The guide cannot say what may follow byte {matcher.Position} of the answer: {exception.Message}."),
            var exception => throw new InvalidOperationException("A guide's mask could not be made.", exception),
        };
    }

    private void FillAll(List<(Sequence Sequence, int FirstRow, int Rows)> rows)
    {
        var started = time.GetTimestamp();
        foreach (var (sequence, firstRow, count) in rows)
            Fill(sequence, firstRow, count);
        Interlocked.Add(ref _busyTicks, time.GetElapsedTime(started).Ticks);
    }

    /// <summary>One mask for the next token and one behind each drafted one, as if it had been said.</summary>
    private void Fill(Sequence sequence, int firstRow, int rows)
    {
        var matcher = sequence.Guide!;
        var mark = matcher.Mark;
        var row = firstRow;
        try
        {
            var draft = sequence.TokensAndDraft[sequence.Length..];
            for (var ahead = 0; ahead < rows; ahead++, row++)
            {
                _faults[row] = null;
                var mask = _masks[row] ??= new uint[matcher.Guide.Vocabulary.Words];
                matcher.FillMask(mask);
                AllowStops(sequence, matcher, mask);

                // Behind a token that the guide does not allow nothing will be sampled.
                if (ahead < draft.Length && !matcher.TryTake((int)draft[ahead]))
                    break;
            }
        }
        catch (Exception exception)
        {
            _faults[row] = exception;
        }
        finally
        {
            matcher.Return(mark);
        }
    }

    /// <summary>Where the text may end, a stop id of the request that is no text ends it as well as an end-of-sequence id.</summary>
    private static void AllowStops(Sequence sequence, GuideMatcher matcher, Span<uint> mask)
    {
        if (sequence.Parameters.StopTokenIds.Count == 0 || !matcher.MayEnd)
            return;
        foreach (var id in sequence.Parameters.StopTokenIds.Items)
        {
            if (id < (uint)matcher.Guide.Vocabulary.Tokens.Count && matcher.Guide.Vocabulary.Tokens[(int)id] is null)
                mask[(int)id >> 5] |= 1u << (int)id;
        }
    }
}
