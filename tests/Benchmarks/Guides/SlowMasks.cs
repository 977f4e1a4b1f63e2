using System.Globalization;
using Parley.Generator.Guides;
using Parley.Generator.Guides.Json;
using Parley.Generator.Guides.Machines;

namespace Parley.Benchmarks.Guides;

/// <summary>The slowest masks with where they were asked for, so that the tail's causes are seen.</summary>
/// <param name="count">How many are kept.</param>
internal sealed class SlowMasks(int count)
{
    private readonly PriorityQueue<string, double> _slowest = new();
    private long _allocated;
    private int _collections;

    public void Begin() => (_allocated, _collections) = (GC.GetAllocatedBytesForCurrentThread(), Collections());

    public void Add(double time, string name, string text, GuideMatcher matcher)
    {
        if (count == 0 || (_slowest.Count == count && _slowest.TryPeek(out _, out var least) && time <= least))
            return;
        var allocated = (GC.GetAllocatedBytesForCurrentThread() - _allocated) / 1024;
        var bytes = System.Text.Encoding.UTF8.GetBytes(text);
        var tail = System.Text.Encoding.UTF8.GetString(bytes.AsSpan(Math.Max(0, matcher.Position - 40)..matcher.Position));
        _slowest.Enqueue(
            string.Create(CultureInfo.InvariantCulture,
                $"{time,9:F0} µs, {allocated} kB, {Pause(Collections() - _collections)}: {name}: …{tail}")
                + $" | {Describe(matcher.Mark.Place)}",
            time);
        if (_slowest.Count > count)
            _slowest.Dequeue();
    }

    public void Clear() => _slowest.Clear();

    public void Print()
    {
        var lines = new Stack<string>();
        while (_slowest.TryDequeue(out var line, out _))
            lines.Push(line);
        foreach (var line in lines)
            Console.WriteLine(line);
    }

    private static int Collections() => GC.CollectionCount(0);

    /// <summary>How many collections there were, and what the last one was and took.</summary>
    private static string Pause(int collections)
    {
        if (collections == 0)
            return "0 collections";
        var last = GC.GetGCMemoryInfo(GCKind.Any);
        return string.Create(CultureInfo.InvariantCulture,
            $"{collections} collections (generation {last.Generation}, {last.PauseDurations[0].TotalMilliseconds:F1} ms)");
    }

    private static string Describe(Place place) => (place.Frame is { IsOpen: true } ? "open frame, " : "") + place.State switch
    {
        TextState text => $"{text.Shape.Kind} {Describe(text)}",
        KeyState key => $"key, {key.Object.Names.Names.Count} names, {key.Object.Used.Keys.Length} used, {(key.IsOff ? "off" : "on")}, "
            + Describe(key.Text),
        MembersState members => $"members, {members.Phase}, {members.Object.Names.Names.Count} names, position {members.Object.Position}",
        ItemsState items => $"items, {items.Phase}",
        var state => state.GetType().Name,
    };

    private static string Describe(TextState text) => $"syntax {text.Syntax}, owed {text.Shape.Owed.Length}: "
        + string.Join(", ", text.Shape.Atoms.Select(atom => atom.Automaton.GetType().Name));
}
