using System.Diagnostics;

namespace Parley.Tokenizer;

/// <summary>
/// A span <c>detokenize</c> for each traced sequence of one stream, from its start to its last text. Requests share the stream, so each
/// says in its first message which trace it belongs to.
/// </summary>
internal sealed class DetokenizeSpans(ActivitySource source) : IDisposable
{
    /// <summary>Of a W3C traceparent; later versions may be longer, and are none of ours.</summary>
    private const int TraceParentLength = 55;

    private readonly Dictionary<uint, Activity> _open = [];
    private readonly Dictionary<uint, (int Batches, int Tokens)> _read = [];

    /// <summary>A sequence begins; does nothing where its request is not traced or nobody listens.</summary>
    public void Start(uint sequence, string traceParent)
    {
        if (traceParent.Length != TraceParentLength || !source.HasListeners()
            || !ActivityContext.TryParse(traceParent, null, isRemote: true, out var parent))
        {
            return;
        }

        // The stream's own span, if any, is nobody's: what is current stays what it was.
        var current = Activity.Current;
        if (source.StartActivity("detokenize", ActivityKind.Internal, parent) is { } span)
            _open[sequence] = span;
        Activity.Current = current;
    }

    /// <summary>Tokens of a sequence were read.</summary>
    public void Read(uint sequence, int tokens)
    {
        if (!_open.ContainsKey(sequence))
            return;
        var (batches, before) = _read.GetValueOrDefault(sequence);
        _read[sequence] = (batches + 1, before + tokens);
    }

    /// <summary>A sequence has its last text, or is given up.</summary>
    /// <param name="sequence">Which one; a sequence that is not traced is ignored.</param>
    /// <param name="stopped">Whether a stop string ended it.</param>
    /// <param name="error">Why there is no last text; null where there is.</param>
    public void End(uint sequence, bool stopped, string? error)
    {
        if (!_open.Remove(sequence, out var span))
            return;
        _read.Remove(sequence, out var read);
        span.SetTag("parley.tokens", read.Tokens);
        span.SetTag("parley.batches", read.Batches);
        span.SetTag("parley.stop.matched", stopped);
        if (error is not null)
        {
            span.SetStatus(ActivityStatusCode.Error, error);
            span.SetTag("error.type", error);
        }

        var current = Activity.Current;
        span.Stop();
        Activity.Current = current;
    }

    /// <summary>The stream is over: whoever is open was left.</summary>
    public void Dispose()
    {
        foreach (var sequence in _open.Keys.ToArray())
            End(sequence, stopped: false, "cancelled");
    }
}
