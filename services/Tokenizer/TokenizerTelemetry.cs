using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Parley.Tokenizer;

/// <summary>
/// What the service measures. No convention exists for tokenizers, so all names are our own; docs/telemetry.md lists them.
/// </summary>
internal sealed class TokenizerTelemetry : IDisposable
{
    public const string Name = "Parley.Tokenizer";

    private readonly Meter _meter;
    private readonly Histogram<double> _templateDuration;
    private readonly Histogram<double> _encodeDuration;
    private readonly Histogram<double> _detokenizeDuration;
    private readonly Counter<long> _encodedTokens;
    private readonly Counter<long> _decodedTokens;
    private readonly Counter<long> _refused;

    public TokenizerTelemetry(IMeterFactory meters)
    {
        _meter = meters.Create(Name);
        _templateDuration = Seconds("parley.tokenizer.template.duration", "Time to write a chat by its template.");
        _encodeDuration = Seconds("parley.tokenizer.encode.duration", "Time to encode a text.");
        _detokenizeDuration = Seconds("parley.tokenizer.detokenize.duration", "Time to decode one message of a stream.");
        _encodedTokens = _meter.CreateCounter<long>("parley.tokenizer.tokens.encoded", "{token}", "Tokens that texts were encoded to.");
        _decodedTokens = _meter.CreateCounter<long>("parley.tokenizer.tokens.decoded", "{token}", "Tokens that were decoded.");
        _refused = _meter.CreateCounter<long>(
            "parley.tokenizer.requests.refused", "{request}", "Requests at fault, sequences of a stream too.");
    }

    public ActivitySource Source { get; } = new(Name);

    /// <summary>Whether the time of a stream's messages is worth taking.</summary>
    public bool TimesStreams => _detokenizeDuration.Enabled;

    public void Rendered(TimeSpan duration) => _templateDuration.Record(duration.TotalSeconds);

    public void Encoded(TimeSpan duration, int tokens)
    {
        _encodeDuration.Record(duration.TotalSeconds);
        _encodedTokens.Add(tokens);
    }

    public void Detokenized(TimeSpan duration) => _detokenizeDuration.Record(duration.TotalSeconds);

    public void Decoded(int tokens) => _decodedTokens.Add(tokens);

    public void Refused() => _refused.Add(1);

    public void Dispose()
    {
        Source.Dispose();
        _meter.Dispose();
    }

    private Histogram<double> Seconds(string name, string description) => _meter.CreateHistogram(name, "s", description, null,
        new InstrumentAdvice<double>
        { HistogramBucketBoundaries = [1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1, 3] });
}
