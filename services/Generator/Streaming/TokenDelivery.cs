namespace Parley.Generator.Streaming;

/// <summary>
/// Wakes the readers of all streams that a step wrote to, on one thread of the pool: the next step runs meanwhile, and sixteen readers
/// cost the engine's thread one hand-over. A reader goes on inside of it until it has to wait for something, which none does for long.
/// </summary>
/// <param name="streamsMax">Streams of a step; it makes room for them once.</param>
/// <param name="logger">Takes what a reader throws: the next reader is woken all the same.</param>
internal sealed class TokenDelivery(int streamsMax, ILogger logger) : IThreadPoolWorkItem
{
    private readonly Lock _lock = new();
    private readonly List<TokenStream> _written = new(streamsMax);
    private List<TokenStream> _posted = new(streamsMax);
    private List<TokenStream> _taken = new(streamsMax);
    private bool _runs;

    /// <summary>The engine's side: this stream's reader waits and has news.</summary>
    public void Add(TokenStream stream)
    {
        if (stream.IsListed)
            return;
        stream.IsListed = true;
        _written.Add(stream);
    }

    /// <summary>The engine's side: the step is over.</summary>
    public void Post()
    {
        if (_written.Count == 0)
            return;
        var start = false;
        lock (_lock)
        {
            foreach (var stream in _written)
            {
                stream.IsListed = false;
                _posted.Add(stream);
            }

            if (!_runs)
                _runs = start = true;
        }

        _written.Clear();
        if (start)
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute()
    {
        while (true)
        {
            lock (_lock)
            {
                if (_posted.Count == 0)
                {
                    _runs = false;
                    return;
                }

                (_posted, _taken) = (_taken, _posted);
            }

            foreach (var stream in _taken)
            {
                try
                {
                    stream.Wake();
                }
                catch (Exception exception)
                {
                    Log.ReaderFailed(logger, exception);
                }
            }

            _taken.Clear();
        }
    }
}
