using System.Diagnostics;

namespace Parley.EndToEnd.Tests.Telemetry;

/// <summary>The trace of a caller: what is called while it is current belongs to it.</summary>
internal sealed class CallerTrace : IDisposable
{
    private readonly Activity _activity;

    public CallerTrace()
    {
        _activity = new Activity("caller").SetIdFormat(ActivityIdFormat.W3C);
        _activity.ActivityTraceFlags = ActivityTraceFlags.Recorded;
        _activity.Start();
    }

    public ActivityTraceId Id => _activity.TraceId;

    /// <summary>Whether a span is the services': the client library's own, in this process, is the caller's.</summary>
    public bool Holds(Activity span) => span.TraceId == Id && span.ParentSpanId != _activity.SpanId;

    public void Dispose() => _activity.Stop();
}
