using System.Diagnostics;
using Parley.Gateway.Chat;

namespace Parley.Gateway;

/// <summary>One request as telemetry sees it; used by the task that reads the updates only.</summary>
internal sealed class ChatMeasurement : IDisposable
{
    /// <summary>What a label says of a model that is not served here: a client could otherwise make any number of series.</summary>
    private const string OtherModel = "other";

    private const int ModelCharactersMax = 128;

    private readonly GatewayTelemetry _telemetry;
    private readonly Activity? _activity;
    private readonly ChatContent? _content;
    private readonly ChatRequest _request;
    private readonly string _operation;
    private readonly long _startedAt;
    private readonly List<string> _finishReasons = [];
    private TagList _tags;
    private long _chunkAt;
    private string? _errorType;

    public ChatMeasurement(GatewayTelemetry telemetry, ChatRequest request, Activity? activity, ChatContent? content)
    {
        (_telemetry, _request, _activity, _content) = (telemetry, request, activity, content);
        _operation = request.Prompt is null ? "chat" : "text_completion";
        _startedAt = telemetry.Time.GetTimestamp();
        _tags = new TagList { { "gen_ai.operation.name", _operation }, { "gen_ai.provider.name", "parley" } };
        telemetry.ActiveRequests.Add(1);
        if (activity is null)
            return;
        activity.SetTag("gen_ai.operation.name", _operation);
        activity.SetTag("gen_ai.provider.name", "parley");
        activity.SetTag("gen_ai.response.id", request.RequestId);
        activity.SetTag("gen_ai.request.stream", true);
        SetSampling(activity, request);
        if (request.Model.Length > 0)
            activity.SetTag("gen_ai.request.model", BoundedText.Cut(request.Model, ModelCharactersMax));
        if (content is not null)
            activity.SetTag("gen_ai.input.messages", content.Input());
    }

    /// <summary>No terminal update has been seen.</summary>
    public bool IsOpen { get; private set; } = true;

    /// <summary>It is known which model is served, and under which names.</summary>
    /// <param name="names">The names, of which the first is the model's own.</param>
    /// <param name="adapter">The adapter that the request's name stands for; null for none.</param>
    public void Paired(IReadOnlyList<string> names, string? adapter = null)
    {
        var requested = _request.Model.Length == 0 ? names[0]
            : adapter is not null ? _telemetry.Adapters.LabelOf(adapter)
            : names.Contains(_request.Model) ? _request.Model : OtherModel;
        _tags.Add("gen_ai.request.model", requested);
        if (requested == OtherModel && adapter is null)
            return;
        var response = adapter is null ? names[0] : requested;
        _tags.Add("gen_ai.response.model", response);
        if (_activity is null)
            return;
        _activity.DisplayName = $"{_operation} {requested}";
        _activity.SetTag("gen_ai.request.model", requested);
        _activity.SetTag("gen_ai.response.model", adapter ?? names[0]);
    }

    public void Chunk(uint choice, string text)
    {
        var now = _telemetry.Time.GetTimestamp();
        if (_chunkAt == 0)
        {
            var elapsed = _telemetry.Time.GetElapsedTime(_startedAt, now).TotalSeconds;
            _telemetry.TimeToFirstChunk.Record(elapsed, _tags);
            _activity?.SetTag("gen_ai.response.time_to_first_chunk", elapsed);
        }
        else
        {
            _telemetry.TimePerOutputChunk.Record(_telemetry.Time.GetElapsedTime(_chunkAt, now).TotalSeconds, _tags);
        }

        _chunkAt = now;
        _content?.Add(choice, text);
    }

    public void ChoiceFinished(uint choice, ChatFinishReason reason)
    {
        var name = reason switch
        {
            ChatFinishReason.Length => "length",
            ChatFinishReason.ToolCalls => "tool_calls",
            _ => "stop",
        };
        _finishReasons.Add(name);
        _content?.Finish(choice, name);
    }

    public void Completed(ChatUsage usage)
    {
        IsOpen = false;
        Count(usage);
        if (_activity is null)
            return;
        _activity.SetTag("gen_ai.usage.input_tokens", (long)usage.PromptTokens);
        _activity.SetTag("gen_ai.usage.output_tokens", (long)usage.CompletionTokens);
        _activity.SetTag("gen_ai.usage.cache_read.input_tokens", (long)usage.CachedTokens);
        _activity.SetTag("gen_ai.response.finish_reasons", _finishReasons.ToArray());
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
        if (_content is not null)
            _activity?.SetTag("gen_ai.output.messages", _content.Output());
        var elapsed = _telemetry.Time.GetElapsedTime(_startedAt).TotalSeconds;
        if (_errorType is null)
        {
            _telemetry.Duration.Record(elapsed, _tags);
        }
        else
        {
            _telemetry.Duration.Record(elapsed, [.. _tags, new("error.type", _errorType)]);
            _activity?.SetStatus(ActivityStatusCode.Error, _errorType);
            _activity?.SetTag("error.type", _errorType);
        }

        _activity?.Dispose();
    }

    private void Count(ChatUsage usage)
    {
        if (!_telemetry.InputTokens.Enabled)
            return;
        KeyValuePair<string, object?>[] ofText = [.. _tags, new("gen_ai.token.modality", "text")];
        _telemetry.InputTokens.Add(usage.PromptTokens, ofText);
        _telemetry.OutputTokens.Add(usage.CompletionTokens, ofText);
        _telemetry.CachedTokens.Add(usage.CachedTokens, ofText);
        _telemetry.InputTokensOfOne.Record(usage.PromptTokens, _tags);
        _telemetry.OutputTokensOfOne.Record(usage.CompletionTokens, _tags);
    }

    private static void SetSampling(Activity activity, ChatRequest request)
    {
        var sampling = request.Sampling;
        if (request.Choices != 1)
            activity.SetTag("gen_ai.request.choice.count", (int)request.Choices);
        activity.SetTag("gen_ai.request.temperature", sampling.Temperature);
        activity.SetTag("gen_ai.request.top_p", sampling.TopP);
        activity.SetTag("gen_ai.request.top_k", sampling.TopK);
        activity.SetTag("gen_ai.request.max_tokens", sampling.MaxTokens);
        activity.SetTag("gen_ai.request.seed", unchecked((long?)sampling.Seed));
        activity.SetTag("gen_ai.request.frequency_penalty", sampling.FrequencyPenalty);
        activity.SetTag("gen_ai.request.presence_penalty", sampling.PresencePenalty);
    }
}
