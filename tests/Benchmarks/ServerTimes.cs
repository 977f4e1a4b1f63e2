using System.Diagnostics;
using Microsoft.AspNetCore.Http;

namespace Parley.Benchmarks;

/// <summary>How long the server works on each request.</summary>
internal sealed class ServerTimes
{
    private readonly Lock _lock = new();
    private readonly List<double> _microseconds = [];

    public double Mean
    {
        get
        {
            lock (_lock)
                return _microseconds.Average();
        }
    }

    public double Quantile(double part)
    {
        lock (_lock)
            return _microseconds.Order().ElementAt((int)(part * (_microseconds.Count - 1)));
    }

    public void Clear()
    {
        lock (_lock)
            _microseconds.Clear();
    }

    public async Task MeasureAsync(HttpContext context, RequestDelegate next)
    {
        var started = Stopwatch.GetTimestamp();
        await next(context);
        var time = Stopwatch.GetElapsedTime(started).TotalMicroseconds;
        lock (_lock)
            _microseconds.Add(time);
    }
}
