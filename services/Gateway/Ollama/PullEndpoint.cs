using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Options;
using Parley.Gateway.Access;
using Parley.Gateway.Chat;
using Parley.Gateway.Limits;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.Ollama;

/// <summary><c>POST /api/pull</c>: only where a setting allows it, and only for callers with a key, one at a time.</summary>
internal sealed class PullEndpoint(
    ApiKeys keys, WriteLimit writeLimit, IOptions<GatewayOptions> options, TimeProvider time, IModelPull? pull = null) : IDisposable
{
    private const int ProgressBuffered = 16;

    private static readonly StreamFraming Framing = StreamFraming.Lines("{\"status\":\"waiting\"}\n"u8.ToArray());

    private readonly SemaphoreSlim _one = new(1);

    public async Task HandleAsync(HttpContext context)
    {
        Check();
        var (name, stream) = await ReadAsync(context);
        if (!_one.Wait(0, CancellationToken.None))
            throw OllamaErrors.Refusal("Another model is being fetched; one at a time.", StatusCodes.Status429TooManyRequests);
        try
        {
            if (stream)
                await StreamAsync(context, name);
            else
                await WaitAsync(context, name);
        }
        catch (ModelPullException exception)
        {
            throw OllamaErrors.Refusal(exception.Message);
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    private void Check()
    {
        if (pull is null)
        {
            throw OllamaErrors.Refusal("This server keeps no models: it serves the one of its Generator. `parley up` does fetch models.",
                StatusCodes.Status403Forbidden);
        }

        if (!options.Value.AllowPull)
        {
            throw OllamaErrors.Refusal(
                "Models are not fetched for callers here: Gateway:AllowPull allows it, and `parley pull NAME` fetches one.",
                StatusCodes.Status403Forbidden);
        }

        if (!keys.AreNeeded)
        {
            throw OllamaErrors.Refusal("Models are fetched only for callers with a key, and this server has no keys (Gateway:ApiKey).",
                StatusCodes.Status403Forbidden);
        }
    }

    private async Task<(string Name, bool Stream)> ReadAsync(HttpContext context)
    {
        using var body = await RequestBody.ReadAsync(context, options.Value.BodyBytesMax, anyType: true);
        var fields = new RequestFields();
        var (name, stream) = ("", true);
        foreach (var (key, field, value) in fields.Members("", body.RootElement))
        {
            if (key is "model" or "name")
                name = fields.Text(field, value) is { Length: > 0 } given ? given : name;
            else if (key == "stream")
                stream = fields.Flag(field, value) ?? true;
            else if (key is "insecure" or "username" or "password")
                continue;
            else if (options.Value.UnknownFields == UnknownFields.Refuse)
                fields.Refuse(field, "is unknown", ViolationReason.Unknown);
            else
                fields.Ignore(field);
        }

        if (name.Length == 0)
            fields.Refuse("model", "is missing", ViolationReason.Missing);
        IgnoredFields.Tell(context, fields.Ignored);
        return fields.Violations.Count == 0
            ? (name, stream)
            : throw new OpenAiException(OllamaErrors.From(ChatError.Invalid(fields.Violations), OllamaNames.OfChat));
    }

    private async Task WaitAsync(HttpContext context, string name)
    {
        await pull!.PullAsync(name, new Untold(), context.RequestAborted);
        context.Response.ContentType = "application/json; charset=utf-8";
        await context.Response.Body.WriteAsync("{\"status\":\"success\"}"u8.ToArray(), context.RequestAborted);
    }

    private async Task StreamAsync(HttpContext context, string name)
    {
        await using var lines = new SseWriter(
            context, writeLimit, TimeSpan.FromSeconds(options.Value.KeepAliveSeconds), time, Framing);
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        var progress = new Told();
        var pulling = PullAsync(name, progress, leaving.Token);
        try
        {
            await foreach (var step in progress.Steps.Reader.ReadAllAsync(context.RequestAborted))
            {
                await lines.WriteAsync(step, Write);
                await lines.FlushAsync();
            }

            await pulling;
        }
        catch (ModelPullException exception)
        {
            await lines.StopKeepAliveAsync();
            if (!lines.HasStarted)
                throw;
            await lines.WriteAsync(OpenAiError.Invalid(exception.Message), static (json, error) => OllamaErrors.Write(json, error));
            await lines.EndAsync();
            return;
        }
        finally
        {
            await leaving.CancelAsync();
            await pulling.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await lines.WriteAsync(new ModelPullProgress("success"), Write);
        await lines.EndAsync();
    }

    private async Task PullAsync(string name, Told progress, CancellationToken cancellationToken)
    {
        try
        {
            await pull!.PullAsync(name, progress, cancellationToken);
        }
        finally
        {
            progress.Steps.Writer.TryComplete();
        }
    }

    private static void Write(Utf8JsonWriter json, ModelPullProgress step)
    {
        json.WriteStartObject();
        json.WriteString("status", step.Status);
        if (step.Total > 0)
        {
            json.WriteNumber("total", step.Total);
            json.WriteNumber("completed", step.Completed);
        }

        json.WriteEndObject();
    }

    /// <summary>The last steps: who reads slowly misses some of those between.</summary>
    private sealed class Told : IProgress<ModelPullProgress>
    {
        public Channel<ModelPullProgress> Steps { get; } = Channel.CreateBounded<ModelPullProgress>(
            new BoundedChannelOptions(ProgressBuffered) { FullMode = BoundedChannelFullMode.DropOldest });

        public void Report(ModelPullProgress value) => Steps.Writer.TryWrite(value);
    }

    private sealed class Untold : IProgress<ModelPullProgress>
    {
        public void Report(ModelPullProgress value)
        {
        }
    }
}
