using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Parley.Tokenizer;

/// <summary>What the service measures. No convention exists for tokenizers, so all names are our own.</summary>
internal sealed class TokenizerTelemetry : IDisposable
{
    public const string Name = "Parley.Tokenizer";

    private readonly Meter _meter;
    private readonly Histogram<double> _templateDuration;
    private readonly Histogram<double> _encodeDuration;
    private readonly Counter<long> _encodedTokens;
    private readonly Counter<long> _decodedTokens;

    public TokenizerTelemetry(IMeterFactory meters)
    {
        _meter = meters.Create(Name);
        var buckets = new InstrumentAdvice<double>
        { HistogramBucketBoundaries = [1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1, 3] };
        _templateDuration = _meter.CreateHistogram("parley.tokenizer.template.duration", "s",
            "Time to write a chat by its template.", null, buckets);
        _encodeDuration = _meter.CreateHistogram("parley.tokenizer.encode.duration", "s", "Time to encode a text.", null, buckets);
        _encodedTokens = _meter.CreateCounter<long>("parley.tokenizer.tokens.encoded", "{token}", "Tokens that texts were encoded to.");
        _decodedTokens = _meter.CreateCounter<long>("parley.tokenizer.tokens.decoded", "{token}", "Tokens that were decoded.");
    }

    public ActivitySource Source { get; } = new(Name);

    public void Rendered(TimeSpan duration) => _templateDuration.Record(duration.TotalSeconds);

    public void Encoded(TimeSpan duration, int tokens)
    {
        _encodeDuration.Record(duration.TotalSeconds);
        _encodedTokens.Add(tokens);
    }

    public void Decoded(int tokens) => _decodedTokens.Add(tokens);

    public void Dispose()
    {
        Source.Dispose();
        _meter.Dispose();
    }
}
