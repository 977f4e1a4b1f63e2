using System.Diagnostics;
using Parley.Gateway.Chat;

namespace Parley.Gateway;

/// <summary>One request as telemetry sees it; used by the task that reads the updates only.</summary>
internal sealed class ChatMeasurement : IDisposable
{
    private readonly GatewayTelemetry _telemetry;
    private readonly Activity? _activity;
    private readonly TagList _tags;
    private readonly long _startedAt;
    private readonly List<string> _finishReasons = [];
    private long _chunkAt;
    private string? _errorType;

    public ChatMeasurement(GatewayTelemetry telemetry, ChatRequest request, Activity? activity)
    {
        _telemetry = telemetry;
        _activity = activity;
        _startedAt = telemetry.Time.GetTimestamp();
        // The model is not a tag before it is known to be served: a client could otherwise make any number of series.
        _tags = new TagList { { "gen_ai.operation.name", "chat" }, { "gen_ai.provider.name", "parley" } };
        telemetry.ActiveRequests.Add(1);
        if (activity is null)
            return;
        activity.SetTag("gen_ai.operation.name", "chat");
        activity.SetTag("gen_ai.provider.name", "parley");
        activity.SetTag("gen_ai.request.model", request.Model);
        activity.SetTag("gen_ai.request.choice.count", (int)request.Choices);
        activity.SetTag("gen_ai.request.temperature", request.Sampling.Temperature);
        activity.SetTag("gen_ai.request.top_p", request.Sampling.TopP);
        activity.SetTag("gen_ai.request.top_k", request.Sampling.TopK);
        activity.SetTag("gen_ai.request.max_tokens", request.Sampling.MaxTokens);
        activity.SetTag("gen_ai.request.seed", request.Sampling.Seed);
        activity.SetTag("gen_ai.response.id", request.RequestId);
    }

    /// <summary>No terminal update has been seen.</summary>
    public bool IsOpen { get; private set; } = true;

    public void Chunk()
    {
        var now = _telemetry.Time.GetTimestamp();
        if (_chunkAt == 0)
            _telemetry.TimeToFirstChunk.Record(_telemetry.Time.GetElapsedTime(_startedAt, now).TotalSeconds, _tags);
        else
            _telemetry.TimePerOutputChunk.Record(_telemetry.Time.GetElapsedTime(_chunkAt, now).TotalSeconds, _tags);
        _chunkAt = now;
    }

    public void ChoiceFinished(ChatFinishReason reason) => _finishReasons.Add(reason == ChatFinishReason.Length ? "length" : "stop");

    public void Completed(ChatUsage usage)
    {
        IsOpen = false;
        if (_telemetry.TokenUsage.Enabled)
        {
            _telemetry.TokenUsage.Record(usage.PromptTokens, [.. _tags, new("gen_ai.token.type", "input")]);
            _telemetry.TokenUsage.Record(usage.CompletionTokens, [.. _tags, new("gen_ai.token.type", "output")]);
        }

        _activity?.SetTag("gen_ai.usage.input_tokens", (long)usage.PromptTokens);
        _activity?.SetTag("gen_ai.usage.output_tokens", (long)usage.CompletionTokens);
        _activity?.SetTag("gen_ai.usage.cache_read.input_tokens", (long)usage.CachedTokens);
        _activity?.SetTag("gen_ai.response.finish_reasons", _finishReasons.ToArray());
    }

    public void Failed(string code)
    {
        IsOpen = false;
        _errorType = code;
    }

    public void Dispose()
    {
        if (IsOpen)
        {
            _errorType = "cancelled";
            _telemetry.AbortedRequests.Add(1);
        }

        _telemetry.ActiveRequests.Add(-1);
        var elapsed = _telemetry.Time.GetElapsedTime(_startedAt).TotalSeconds;
        if (_errorType is null)
        {
            _telemetry.OperationDuration.Record(elapsed, _tags);
        }
        else
        {
            _telemetry.OperationDuration.Record(elapsed, [.. _tags, new("error.type", _errorType)]);
            _activity?.SetStatus(ActivityStatusCode.Error, _errorType);
            _activity?.SetTag("error.type", _errorType);
        }

        _activity?.Dispose();
    }
}
