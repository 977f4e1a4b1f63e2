using System.Text.Json;
using Parley.Gateway.Chat;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.ResponsesApi;

/// <summary>
/// An answer as items: what the model thinks, says and calls, one after the other; and as the events that tell of them in the documented
/// order. An item is open until another begins.
/// </summary>
/// <param name="responseId">Whose items they are.</param>
/// <param name="withLogprobs">Log-probabilities are told.</param>
/// <param name="withSummary">Thoughts are told as their own summary too.</param>
internal sealed class ResponseOutput(string responseId, bool withLogprobs, bool withSummary = false)
{
    private readonly List<OutputItem> _items = [];
    private readonly Dictionary<int, OutputItem> _calls = [];
    private readonly PieceTable _pieces = new(continues: false);
    private OutputItem? _open;

    /// <summary>Items so far, without what turned out to be none.</summary>
    public IEnumerable<OutputItem> Items => _items.Where(item => !item.IsDropped);

    /// <summary>Why the answer ended.</summary>
    public ChatFinishReason? Reason { get; private set; }

    public ChatUsage Usage { get; private set; }

    /// <summary>What an update tells.</summary>
    public IEnumerable<ResponseEvent> Take(ChatUpdate update)
    {
        var events = new List<ResponseEvent>();
        switch (update)
        {
            case ChatUpdate.Delta delta:
                Take(delta, events);
                break;
            case ChatUpdate.ChoiceFinished finished:
                Reason = finished.Reason;
                // An answer without a word is a message all the same.
                if (_items.Count == 0)
                    Open(OutputKind.Message, events);
                Close(finished.Reason == ChatFinishReason.Length ? "incomplete" : "completed", events);
                break;
            case ChatUpdate.Completed completed:
                Usage = completed.Usage;
                break;
        }

        return events;
    }

    /// <summary>Ends what is open where the answer ends before its time.</summary>
    public IReadOnlyList<ResponseEvent> Break()
    {
        var events = new List<ResponseEvent>();
        Close("incomplete", events);
        return events;
    }

    private void Take(ChatUpdate.Delta delta, List<ResponseEvent> events)
    {
        // First what was no call after all: its text is what follows, and would end it as one.
        var dropped = delta.Calls.Where(call => call.IsDropped).Select(call => call.Index).ToHashSet();
        foreach (var index in dropped)
            Drop(index);
        if (delta.Reasoning.Length > 0)
            Say(OutputKind.Reasoning, delta.Reasoning, [], events);
        var logprobs = withLogprobs ? Logprobs(delta) : [];
        if (delta.Text.Length > 0)
            Say(OutputKind.Message, delta.Text, logprobs, events);
        else if (_open is { Kind: OutputKind.Message } message)
            message.Waiting.AddRange(logprobs);
        foreach (var call in delta.Calls.Where(call => !dropped.Contains(call.Index)))
            Take(call, events);
    }

    private void Say(OutputKind kind, string text, IReadOnlyList<OutputLogprob> logprobs, List<ResponseEvent> events)
    {
        var item = _open is { } open && open.Kind == kind ? open : Open(kind, events);
        item.Text.Append(text);
        OutputLogprob[] told = [.. item.Waiting, .. logprobs];
        item.Logprobs.AddRange(told);
        item.Waiting.Clear();
        events.Add(new ResponseEvent(kind == OutputKind.Message ? "response.output_text.delta" : "response.reasoning_text.delta", json =>
        {
            WritePlace(json, item, hasPart: true);
            json.WriteString("delta", text);
            if (kind == OutputKind.Message)
                OutputLogprob.Write(json, told);
        }));
        if (item.HasSummary)
            events.Add(SummaryEvents.Delta(item, text));
    }

    private void Take(ChatCallDelta call, List<ResponseEvent> events)
    {
        if (call.Id is not null)
        {
            _calls[call.Index] = Open(OutputKind.Call, events, call);
        }

        if (call.Arguments.Length == 0)
            return;
        var item = _calls[call.Index];
        item.Text.Append(call.Arguments);
        events.Add(new ResponseEvent("response.function_call_arguments.delta", json =>
        {
            WritePlace(json, item, hasPart: false);
            json.WriteString("delta", call.Arguments);
        }));
    }

    /// <summary>What was told of it cannot be taken back; nothing more is.</summary>
    private void Drop(int index)
    {
        if (!_calls.TryGetValue(index, out var item))
            return;
        item.IsDropped = true;
        _open = _open == item ? null : _open;
    }

    private OutputItem Open(OutputKind kind, List<ResponseEvent> events, ChatCallDelta? call = null)
    {
        Close("completed", events);
        var prefix = kind switch
        {
            OutputKind.Call => "fc",
            OutputKind.Reasoning => "rs",
            _ => "msg",
        };
        var item = new OutputItem(kind, ItemIds.Item(prefix, responseId, _items.Count), _items.Count)
        {
            CallId = call?.Id ?? "",
            Name = call?.Name ?? "",
            HasSummary = withSummary && kind == OutputKind.Reasoning,
        };
        _items.Add(item);
        _open = item;
        events.Add(new ResponseEvent("response.output_item.added", json =>
        {
            json.WriteNumber("output_index", item.Index);
            json.WritePropertyName("item");
            item.Write(json, withContent: false);
        }));
        if (kind != OutputKind.Call)
            events.Add(PartEvent("response.content_part.added", item, withContent: false));
        if (item.HasSummary)
            events.Add(SummaryEvents.Added(item));
        return item;
    }

    private void Close(string status, List<ResponseEvent> events)
    {
        if (_open is not { } item)
            return;
        _open = null;
        item.Logprobs.AddRange(item.Waiting);
        item.Waiting.Clear();
        if (item.Kind == OutputKind.Call)
        {
            events.Add(new ResponseEvent("response.function_call_arguments.done", json =>
            {
                WritePlace(json, item, hasPart: false);
                json.WriteString("name", item.Name);
                json.WriteString("arguments", item.Text.ToString());
            }));
        }
        else
        {
            events.Add(new ResponseEvent(
                item.Kind == OutputKind.Message ? "response.output_text.done" : "response.reasoning_text.done", json =>
                {
                    WritePlace(json, item, hasPart: true);
                    json.WriteString("text", item.Text.ToString());
                    if (item.Kind == OutputKind.Message)
                        OutputLogprob.Write(json, item.Logprobs);
                }));
            events.Add(PartEvent("response.content_part.done", item, withContent: true));
            if (item.HasSummary)
                events.AddRange(SummaryEvents.Done(item));
        }

        item.Status = status;
        events.Add(new ResponseEvent("response.output_item.done", json =>
        {
            json.WriteNumber("output_index", item.Index);
            json.WritePropertyName("item");
            item.Write(json, withContent: true);
        }));
    }

    private static ResponseEvent PartEvent(string type, OutputItem item, bool withContent) => new(type, json =>
    {
        WritePlace(json, item, hasPart: true);
        json.WritePropertyName("part");
        item.WritePart(json, withContent);
    });

    private static void WritePlace(Utf8JsonWriter json, OutputItem item, bool hasPart)
    {
        json.WriteString("item_id", item.Id);
        json.WriteNumber("output_index", item.Index);
        if (hasPart)
            json.WriteNumber("content_index", 0);
    }

    private OutputLogprob[] Logprobs(ChatUpdate.Delta delta)
    {
        _pieces.Learn(delta);
        // Tokens behind thoughts and calls are none of the text's.
        if (delta.Reasoning.Length > 0 || delta.Calls.Count > 0 || delta.Logprobs.Count == 0 || _open is { Kind: OutputKind.Call })
            return [];
        var opens = _open is not { Kind: OutputKind.Message, Logprobs.Count: > 0 };
        return [.. delta.Logprobs.Select((token, index) => new OutputLogprob(
            _pieces.Find(delta.Ids.Span[index], opens && index == 0), token.Logprob,
            [.. token.Top.Select(top => (_pieces.Find(top.Id, opens && index == 0), top.Logprob))]))];
    }
}
