using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text.Json;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Parley.Gateway.Limits;

namespace Parley.Gateway.OpenAi;

/// <summary>
/// An event stream, or one of lines. While nothing else is written, keep-alive comments are, from before the first event on, because
/// proxies cut what is silent; the first of them commits the response to status 200.
/// </summary>
/// <remarks>
/// A stream that was begun and not ended by <see cref="EndAsync"/> breaks when it is disposed of: clients that read text only would
/// take an end in good order for the end of the answer. Over HTTP/2 that stream alone is reset. Over HTTP/1.1 the connection closes
/// without the last chunk: chunks are written here and not by the server, which would add it. To abort the connection instead would
/// discard what the socket has not sent yet, and with it the event that says what went wrong.
/// </remarks>
internal sealed class SseWriter : IAsyncDisposable
{
    /// <summary>INTERNAL_ERROR of RFC 9113.</summary>
    private const int InternalError = 2;

    private readonly HttpContext _context;
    private readonly StreamFraming _framing;
    private readonly WriteLimit _limit;
    private readonly PipeWriter _pipe;
    private readonly Utf8JsonWriter _json;
    private readonly CancellationToken _cancellationToken;
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _gate = new(1);
    private readonly Task _keepingAlive;

    /// <summary>Where HTTP/1.1 lets us frame the body: what goes into the next chunk.</summary>
    private readonly ArrayBufferWriter<byte>? _chunk;

    private readonly IBufferWriter<byte> _target;
    private bool _silent = true;
    private bool _isDone;

    public SseWriter(
        HttpContext context, WriteLimit limit, TimeSpan keepAliveInterval, TimeProvider time, StreamFraming? framing = null)
    {
        _context = context;
        _framing = framing ?? StreamFraming.OpenAi;
        _limit = limit;
        _pipe = context.Response.BodyWriter;
        if (HttpProtocol.IsHttp11(context.Request.Protocol) && context.Features.Get<IConnectionLifetimeNotificationFeature>() is not null)
            _chunk = new ArrayBufferWriter<byte>();
        _target = _chunk ?? (IBufferWriter<byte>)_pipe;
        _json = new Utf8JsonWriter(_target, ChatCompletionWriter.JsonOptions);
        _cancellationToken = context.RequestAborted;
        _keepingAlive = KeepAliveAsync(keepAliveInterval, time);
    }

    /// <summary>Whether status and headers are out, so that an error can only be an event.</summary>
    public bool HasStarted { get; private set; }

    /// <summary>Writes one event without sending it yet.</summary>
    /// <param name="state">What it tells.</param>
    /// <param name="write">Writes its data.</param>
    /// <param name="name">Its name, for protocols that name them: plain ASCII.</param>
    public async ValueTask WriteAsync<TState>(TState state, Action<Utf8JsonWriter, TState> write, string? name = null)
    {
        await _gate.WaitAsync(_cancellationToken);
        try
        {
            Start();
            if (name is not null)
                WriteName(name);
            _target.Write(_framing.Before.Span);
            _json.Reset(_target);
            write(_json, state);
            _json.Flush();
            _target.Write(_framing.After.Span);
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
                await SendAsync(_cancellationToken);
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
        _target.Write("data: [DONE]\n\n"u8);
        await EndAsync();
    }

    /// <summary>Ends the stream behind an event that was its last.</summary>
    public async ValueTask EndAsync()
    {
        await StopKeepAliveAsync();
        Start();
        EndChunk();
        if (_chunk is not null)
            _pipe.Write("0\r\n\r\n"u8);
        _isDone = true;
        await FlushPipeAsync(_cancellationToken);
    }

    /// <summary>Sends what went wrong as the last event; the stream then breaks when it is disposed of.</summary>
    public async ValueTask WriteFailureAsync(OpenAiError error)
    {
        await WriteAsync(error, static (json, one) => one.Write(json));
        await FlushAsync();
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
        if (HasStarted && !_isDone)
            Break();
    }

    private void Break()
    {
        if (_chunk is not null)
            // After this request: what is flushed is sent, then the connection closes.
            _context.Features.GetRequiredFeature<IConnectionLifetimeNotificationFeature>().RequestClose();
        else if (_context.Features.Get<IHttpResetFeature>() is { } stream)
            stream.Reset(InternalError);
        else
            _context.Abort();
    }

    private void WriteName(string name)
    {
        _target.Write("event: "u8);
        _target.Write(System.Text.Encoding.ASCII.GetBytes(name));
        _target.Write("\n"u8);
    }

    private void Start()
    {
        if (HasStarted)
            return;
        HasStarted = true;
        var response = _context.Response;
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = _framing.ContentType;
        response.Headers.CacheControl = "no-cache";
        response.Headers["X-Accel-Buffering"] = "no";
        if (_chunk is not null)
            response.Headers.TransferEncoding = "chunked";
        _context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
    }

    private async ValueTask SendAsync(CancellationToken cancellationToken)
    {
        EndChunk();
        await FlushPipeAsync(cancellationToken);
    }

    private ValueTask FlushPipeAsync(CancellationToken cancellationToken)
    {
        var flushing = _pipe.FlushAsync(cancellationToken);
        if (!flushing.IsCompletedSuccessfully)
            return new ValueTask(_limit.WaitAsync(flushing.AsTask(), _context, _context.TraceIdentifier));
        _ = flushing.Result;
        return ValueTask.CompletedTask;
    }

    /// <summary>Frames what was written since the last chunk.</summary>
    private void EndChunk()
    {
        if (_chunk is null || _chunk.WrittenCount == 0)
            return;
        Span<byte> size = stackalloc byte[8];
        _chunk.WrittenCount.TryFormat(size, out var length, "x", CultureInfo.InvariantCulture);
        _pipe.Write(size[..length]);
        _pipe.Write("\r\n"u8);
        _pipe.Write(_chunk.WrittenSpan);
        _pipe.Write("\r\n"u8);
        _chunk.ResetWrittenCount();
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
                        _target.Write(_framing.KeepAlive.Span);
                        await SendAsync(linked.Token);
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
