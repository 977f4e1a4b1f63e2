using Parley.Generator.Guides;
using Parley.Generator.Guides.Limits;
using Parley.Generator.Guides.Vocabulary;

namespace Parley.Generator.Guidance;

/// <summary>
/// Compiles guides off the step's thread and keeps them by content: choices of one request, and requests with one schema, share one
/// guide and what it has learnt. A guide for which nobody waits any more is not compiled to its end.
/// </summary>
/// <param name="options">Bounds and writing.</param>
/// <param name="readTokens">Reads the model's tokens, once, when the first guide comes.</param>
/// <param name="telemetry">Where the times go.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">The log.</param>
internal sealed class GuideCompiler(
    GuideOptions options, Func<TokenVocabulary> readTokens, GeneratorTelemetry telemetry, TimeProvider time, ILogger logger) : IDisposable
{
    private readonly Lazy<TokenVocabulary> _tokens = new(readTokens);
    private readonly SemaphoreSlim _slots = new(options.CompilationsMax);
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private long _uses;

    /// <summary>Guides that are kept, those being compiled included.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _entries.Count;
        }
    }

    /// <summary>A guide, compiled or found.</summary>
    /// <param name="source">What the request says.</param>
    /// <param name="cancellationToken">Cancelled when the caller leaves.</param>
    /// <exception cref="GuideException">It is refused.</exception>
    /// <exception cref="GuideOverloadException">As many guides as may be kept are being compiled.</exception>
    public async Task<Guide> GetAsync(GuideSource source, CancellationToken cancellationToken)
    {
        if (source.Bytes > options.TextBytesMax)
            throw new GuideException("", $"the guide's text is longer than {options.TextBytesMax} bytes");
        var entry = Take(source);
        try
        {
            var guide = await entry.Work.WaitAsync(cancellationToken);
            Measure(entry, guide);
            return guide;
        }
        finally
        {
            Leave(source.Key, entry);
        }
    }

    public void Dispose() => _slots.Dispose();

    private Entry Take(GuideSource source)
    {
        lock (_lock)
        {
            var isKept = _entries.TryGetValue(source.Key, out var entry);
            if (!isKept)
            {
                MakeRoom();
                entry = new Entry();
                _entries.Add(source.Key, entry);
                entry.Work = Task.Run(() => CompileAsync(source, entry), CancellationToken.None);
            }

            entry!.Waiters++;
            entry.UsedAt = ++_uses;
            telemetry.Guided(source.Kind, isKept);
            return entry;
        }
    }

    private void Leave(string key, Entry entry)
    {
        lock (_lock)
        {
            entry.Waiters--;
            var isAbandoned = entry.Waiters == 0 && !entry.Work.IsCompleted;
            if ((isAbandoned || entry.MayDiffer) && _entries.GetValueOrDefault(key) == entry)
                _entries.Remove(key);
            if (isAbandoned)
                entry.Stop.Cancel();
        }
    }

    /// <summary>Measures a guide when it is asked for, and forgets others where all together have grown too large.</summary>
    private void Measure(Entry measured, Guide guide)
    {
        // The guide may be at work, which is waited for before the lock on all.
        var bytes = guide.Bytes;
        lock (_lock)
        {
            measured.Bytes = bytes;
            var left = _entries.Values.Sum(entry => entry.Bytes) - ((long)options.CachedMegabytesMax << 20);
            if (left <= 0)
                return;
            foreach (var (key, entry) in _entries.OrderBy(entry => entry.Value.UsedAt).ToList())
            {
                if (left <= 0 || entry == measured || entry.Waiters > 0 || !entry.Work.IsCompleted)
                    continue;
                _entries.Remove(key);
                left -= entry.Bytes;
            }
        }
    }

    private void MakeRoom()
    {
        if (_entries.Count < options.CachedMax)
            return;
        string? oldest = null;
        foreach (var (key, entry) in _entries)
        {
            if (entry.Work.IsCompleted && (oldest is null || entry.UsedAt < _entries[oldest].UsedAt))
                oldest = key;
        }

        _entries.Remove(oldest ?? throw new GuideOverloadException(_entries.Count));
    }

    private async Task<Guide> CompileAsync(GuideSource source, Entry entry)
    {
        await _slots.WaitAsync(entry.Stop.Token);
        try
        {
            var tokens = ReadTokens();
            var started = time.GetTimestamp();
            var outcome = "failed";
            try
            {
                var guide = Compile(source, tokens, entry);
                outcome = "compiled";
                return guide;
            }
            catch (GuideException)
            {
                outcome = entry.MayDiffer ? "too_slow" : "refused";
                throw;
            }
            catch (OperationCanceledException)
            {
                outcome = "abandoned";
                throw;
            }
            finally
            {
                telemetry.GuideCompiled(source.Kind, outcome, time.GetElapsedTime(started));
            }
        }
        finally
        {
            _slots.Release();
        }
    }

    private Guide Compile(GuideSource source, TokenVocabulary tokens, Entry entry)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(options.CompileMilliseconds), time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, entry.Stop.Token);
        using var work = GuideLimits.Enter(options.ToBudget(), stop.Token);
        try
        {
            return source.Kind switch
            {
                GuideKind.JsonSchema => Guide.FromSchema(source.Texts[0], options.ToSettings(), tokens),
                GuideKind.Regex => Guide.FromPattern(source.Texts[0], tokens),
                GuideKind.Grammar => Guide.FromGrammar(source.Texts[0], source.Syntax, options.ToSettings(), tokens),
                GuideKind.StructuralTag => Guide.FromStructuralTag(source.Texts[0], options.ToSettings(), tokens),
                _ => Guide.FromChoices(source.Texts, tokens),
            };
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !entry.Stop.IsCancellationRequested)
        {
            // On a machine that is less busy it may be in time.
            entry.MayDiffer = true;
            throw new GuideException("", $"the guide is too complex: to compile it takes longer than {options.CompileMilliseconds} ms");
        }
    }

    private TokenVocabulary ReadTokens()
    {
        try
        {
            return _tokens.Value;
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            Log.TokensNotRead(logger, exception);
            throw new GuideException(
                "", "guides cannot be used with this model: its package holds no tokenizer from which the bytes of each token follow");
        }
    }

    private sealed class Entry
    {
        public Task<Guide> Work { get; set; } = null!;

        public CancellationTokenSource Stop { get; } = new();

        public int Waiters { get; set; }

        public long UsedAt { get; set; }

        /// <summary>Of memory, when it was last asked for.</summary>
        public long Bytes { get; set; }

        /// <summary>Another try may end otherwise.</summary>
        public bool MayDiffer { get; set; }
    }
}
