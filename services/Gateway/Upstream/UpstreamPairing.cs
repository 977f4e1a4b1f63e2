using Microsoft.Extensions.Options;
using Parley.Gateway.Chat;
using Parley.Gateway.Responses.Formats;
using Parley.ServiceDefaults.Telemetry;

namespace Parley.Gateway.Upstream;

/// <summary>
/// Knows whether both services are there and belong together: both must describe the same tokenizer. The Gateway starts without them.
/// A description is good for a few seconds; many callers share one look.
/// </summary>
internal sealed class UpstreamPairing(
    TokenizerClient tokenizer, GeneratorFleet generators, IOptions<GatewayOptions> options, TimeProvider time,
    ILogger<UpstreamPairing> logger)
{
    private readonly Lock _lock = new();
    private Task<UpstreamPair>? _look;
    private UpstreamPair? _pair;
    private long _pairedAt;
    private string? _lastReported;
    private (string? Response, string? Chat, ResponseFormat? Format) _formatOf;

    /// <summary>The last pair seen, whether or not it is still there.</summary>
    public UpstreamPair? LastSeen => Volatile.Read(ref _pair);

    /// <summary>The pair, from memory while it is fresh.</summary>
    /// <exception cref="ChatException">A service is not there, or the two differ; the message names which.</exception>
    public ValueTask<UpstreamPair> GetAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_pair is not null && time.GetElapsedTime(_pairedAt) < TimeSpan.FromSeconds(options.Value.DescribeCacheSeconds))
                return ValueTask.FromResult(_pair);
        }

        return new ValueTask<UpstreamPair>(LookAsync(cancellationToken));
    }

    /// <summary>The pair as it is now: what readiness asks.</summary>
    /// <exception cref="ChatException">A service is not there, or the two differ; the message names which.</exception>
    public Task<UpstreamPair> LookAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            // The look outlives a caller who leaves, because others wait for it; it has its own time limit.
            if (_look is null || _look.IsCompleted)
                _look = LookNowAsync();
            return _look.WaitAsync(cancellationToken);
        }
    }

    /// <summary>A service has gone: the next request looks again.</summary>
    public void Forget()
    {
        lock (_lock)
            _pair = null;
    }

    private async Task<UpstreamPair> LookNowAsync()
    {
        await Task.Yield();
        using var untraced = Untraced.Begin();
        try
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(options.Value.DescribeSecondsMax), time);
            var descriptions = await DescribeBothAsync(limit.Token);
            var pair = Join(descriptions.Tokenizer, descriptions.Generator);
            lock (_lock)
            {
                _pair = pair;
                _pairedAt = time.GetTimestamp();
            }

            Report(null, pair);
            return pair;
        }
        catch (ChatException exception)
        {
            Forget();
            Report(exception.Error.LogMessage, null);
            throw;
        }
    }

    private async Task<(TokenizerDescription Tokenizer, GeneratorDescription Generator)> DescribeBothAsync(
        CancellationToken cancellationToken)
    {
        var tokenizerTask = LimitedAsync("Tokenizer", options.Value.TokenizerAddress, tokenizer.DescribeAsync(null, cancellationToken));
        var generatorTask = LimitedAsync("Generator", options.Value.GeneratorAddress, generators.DescribeAsync(cancellationToken));
        try
        {
            await Task.WhenAll(tokenizerTask, generatorTask);
            return (await tokenizerTask, await generatorTask);
        }
        catch (ChatException) when (tokenizerTask.IsFaulted && generatorTask.IsFaulted)
        {
            throw new ChatException(new ChatError(ChatErrorKind.Unavailable, ChatError.NotAvailable)
            {
                Detail = $"{LogMessageOf(tokenizerTask)} {LogMessageOf(generatorTask)}",
            });
        }
    }

    private async Task<T> LimitedAsync<T>(string name, string address, Task<T> describing)
    {
        try
        {
            return await describing;
        }
        catch (OperationCanceledException exception)
        {
            throw new ChatException(
                new ChatError(ChatErrorKind.Unavailable, ChatError.NotAvailable)
                {
                    Detail = $"The {name} at {address} did not describe itself within "
                        + $"{options.Value.DescribeSecondsMax} s (Gateway:DescribeSecondsMax).",
                },
                exception);
        }
    }

    private static string LogMessageOf(Task task) => task.Exception!.InnerException is ChatException exception
        ? exception.Error.LogMessage
        : task.Exception.InnerException!.Message;

    private UpstreamPair Join(TokenizerDescription tokenizer, GeneratorDescription generator)
    {
        if (tokenizer.TokenizerSha256 != generator.TokenizerSha256)
        {
            throw new ChatException(new ChatError(ChatErrorKind.PairMismatch,
                $"Tokenizer and Generator belong to different models: the Tokenizer ({tokenizer.Model}) has tokenizer.json "
                + $"{tokenizer.TokenizerSha256}, the Generator ({generator.Model}) has {generator.TokenizerSha256}. "
                + "Start both from one package."));
        }

        var names = options.Value.ModelName.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        names = names.Length > 0 ? names : [generator.Model, .. generator.Aliases];
        return new UpstreamPair(tokenizer, generator, [.. names.Concat(generator.Adapters.Select(adapter => adapter.Name)).Distinct()])
        {
            ModelNames = [.. names.Distinct()],
            Format = FormatOf(tokenizer),
        };
    }

    /// <summary>Found once for a model; looks come one at a time.</summary>
    private ResponseFormat? FormatOf(TokenizerDescription tokenizer)
    {
        if (_formatOf.Response == tokenizer.ResponseTemplateJson && _formatOf.Chat == tokenizer.ChatTemplate)
            return _formatOf.Format;
        var format = ResponseFormats.Find(tokenizer.ResponseTemplateJson, tokenizer.ChatTemplate, out var fault);
        if (fault is not null)
            Log.ResponseTemplateRefused(logger, tokenizer.Model, fault);
        _formatOf = (tokenizer.ResponseTemplateJson, tokenizer.ChatTemplate, format);
        return format;
    }

    /// <summary>Readiness is asked every second; the log hears of changes only.</summary>
    private void Report(string? fault, UpstreamPair? pair)
    {
        var report = fault ?? pair!.Tokenizer.TokenizerSha256;
        if (Interlocked.Exchange(ref _lastReported, report) == report)
            return;
        if (pair is null)
            Log.NotPaired(logger, report);
        else
            Log.Paired(logger, pair.Model, report);
    }
}
