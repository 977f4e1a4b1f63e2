using System.Globalization;

namespace Parley.Benchmarks.Guides;

/// <summary>The garbage collector's pauses by generation, with what they kept.</summary>
internal sealed class CollectorPauses
{
    private readonly List<(int Generation, double Milliseconds, long Promoted, bool IsCompacting)> _pauses = [];
    private long _last;
    private int _collections;

    /// <summary>Takes up a collection since the last call; of several, the last.</summary>
    public void Look()
    {
        var collections = GC.CollectionCount(0);
        if (collections == _collections)
            return;
        _collections = collections;
        var info = GC.GetGCMemoryInfo(GCKind.Any);
        if (info.Index == _last)
            return;
        _last = info.Index;
        var pause = info.PauseDurations[0] + info.PauseDurations[1];
        _pauses.Add((info.Generation, pause.TotalMilliseconds, info.PromotedBytes, info.Compacted));
    }

    public void Clear() => _pauses.Clear();

    public void Print()
    {
        foreach (var group in _pauses.GroupBy(pause => (pause.Generation, pause.IsCompacting)).OrderBy(group => group.Key))
        {
            var times = group.Select(pause => pause.Milliseconds).Order().ToList();
            var (kept, most) = (group.Average(pause => pause.Promoted) / 1e6, group.Max(pause => pause.Promoted) / 1e6);
            Console.WriteLine($"generation {group.Key.Generation}{(group.Key.IsCompacting ? ", compacting" : "")}: " + string.Create(
                CultureInfo.InvariantCulture,
                $"{times.Count} pauses, p50 {times[times.Count / 2]:F1} ms, worst {times[^1]:F1} ms, all {times.Sum():F0} ms; ")
                + string.Create(CultureInfo.InvariantCulture, $"kept {kept:F1} MB on the average, {most:F1} at most"));
        }
    }
}
