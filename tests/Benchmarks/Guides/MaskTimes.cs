using System.Globalization;

namespace Parley.Benchmarks.Guides;

/// <summary>Times of one kind in microseconds.</summary>
/// <param name="name">What took them.</param>
internal sealed class MaskTimes(string name)
{
    private readonly List<double> _times = [];
    private bool _isSorted;

    public string Name { get; } = name;

    public int Count => _times.Count;

    public double this[int index] => _times[index];

    public void Add(double time)
    {
        _times.Add(time);
        _isSorted = false;
    }

    public void Clear() => _times.Clear();

    /// <summary>The time that this share of them stays below; sorts them.</summary>
    public double At(double share)
    {
        if (!_isSorted)
            _times.Sort();
        _isSorted = true;
        return _times[Math.Min(_times.Count - 1, (int)(share * _times.Count))];
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Name}, µs: mean {_times.Average():F1}, p50 {At(.5):F1}, p90 {At(.9):F1}, p99 {At(.99):F1}, worst {At(1):F0} ({Count}, ")
        + $"{_times.Count(time => time > 5_000)} over 5 ms)";
}
