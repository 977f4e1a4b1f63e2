using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;

namespace Parley.Gateway.OpenAi;

/// <summary>
/// An event stream. Each event is written straight into the response's buffer. While nothing else is written, keep-alive comments are,
/// from before the first event on, because proxies cut what is silent; the first of them commits the response to status 200.
/// </summary>
internal sealed class SseWriter : IAsyncDisposable
{
    private readonly HttpResponse _response;
    private readonly PipeWriter _pipe;
    private readonly Utf8JsonWriter _json;
    private readonly CancellationToken _cancellationToken;
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _gate = new(1);
    private readonly Task _keepingAlive;
    private bool _silent = true;

    public SseWriter(HttpContext context, TimeSpan keepAliveInterval, TimeProvider time)
    {
        _response = context.Response;
        _pipe = context.Response.BodyWriter;
        _json = new Utf8JsonWriter(_pipe, ChatCompletionWriter.JsonOptions);
        _cancellationToken = context.RequestAborted;
        _keepingAlive = KeepAliveAsync(keepAliveInterval, time);
    }

    /// <summary>Whether status and headers are out, so that an error can only be an event.</summary>
    public bool HasStarted { get; private set; }

    /// <summary>Writes one event without sending it yet.</summary>
    public async ValueTask WriteAsync<TState>(TState state, Action<Utf8JsonWriter, TState> write)
    {
        await _gate.WaitAsync(_cancellationToken);
        try
        {
            Start();
            _pipe.Write("data: "u8);
            _json.Reset(_pipe);
            write(_json, state);
            _json.Flush();
            _pipe.Write("\n\n"u8);
            _silent = false;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Sends what was written.</summary>
    public async ValueTask FlushAsync()
    {
        await _gate.WaitAsync(_cancellationToken);
        try
        {
            if (HasStarted)
                await _pipe.FlushAsync(_cancellationToken);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Ends the stream as OpenAI does.</summary>
    public async ValueTask WriteDoneAsync()
    {
        await StopKeepAliveAsync();
        Start();
        _pipe.Write("data: [DONE]\n\n"u8);
        await _pipe.FlushAsync(_cancellationToken);
    }

    /// <summary>After this nothing but the caller writes; <see cref="HasStarted"/> is settled.</summary>
    public async Task StopKeepAliveAsync()
    {
        await _stopping.CancelAsync();
        await _keepingAlive;
    }

    public async ValueTask DisposeAsync()
    {
        await StopKeepAliveAsync();
        await _json.DisposeAsync();
        _gate.Dispose();
        _stopping.Dispose();
    }

    private void Start()
    {
        if (HasStarted)
            return;
        HasStarted = true;
        _response.StatusCode = StatusCodes.Status200OK;
        _response.ContentType = "text/event-stream; charset=utf-8";
        _response.Headers.CacheControl = "no-cache";
        _response.Headers["X-Accel-Buffering"] = "no";
        _response.HttpContext.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
    }

    private async Task KeepAliveAsync(TimeSpan interval, TimeProvider time)
    {
        try
        {
            using var linked = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token, _cancellationToken);
            using var timer = new PeriodicTimer(interval, time);
            while (await timer.WaitForNextTickAsync(linked.Token))
            {
                await _gate.WaitAsync(linked.Token);
                try
                {
                    if (_silent)
                    {
                        Start();
                        _pipe.Write(": keep-alive\n\n"u8);
                        await _pipe.FlushAsync(linked.Token);
                    }

                    _silent = true;
                }
                finally
                {
                    _gate.Release();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The answer is complete, or its reader has left.
        }
    }
}
