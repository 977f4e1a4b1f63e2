using System.Text;
using Parley.Gateway.Chat;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.Anthropic;

/// <summary>
/// An answer as Anthropic's events: blocks that are begun, filled and ended one after the other. A tool's arguments are told when the
/// answer is over, because only then it is certain that they are a call and whole JSON; where a tool asks for it
/// (<c>eager_input_streaming</c>) they are told while they are written.
/// </summary>
internal sealed class MessageStream(SseWriter events, MessageWriter writer, MessagesRequest request)
{
    private const string BlockStart = "content_block_start";

    private readonly SortedDictionary<int, (string Id, string Name, StringBuilder Arguments)> _calls = [];
    private readonly StringBuilder _thought = new();
    private BlockKind _open;
    private int _index = -1;
    private int _eagerCall = -1;
    private ChatUpdate.ChoiceFinished? _finished;

    private enum BlockKind
    {
        None,
        Thinking,
        Text,
        Call,
    }

    public ValueTask BeginAsync(uint promptTokens) => events.WriteAsync(
        (writer, promptTokens), static (json, state) => state.writer.WriteStart(json, state.promptTokens), "message_start");

    public async ValueTask TellAsync(ChatUpdate.Delta delta)
    {
        foreach (var call in delta.Calls.Where(call => call.IsDropped))
            _calls.Remove(call.Index);
        // What goes on with a call comes before text that follows it; what begins one comes after the text before it.
        var goesOn = _eagerCall;
        foreach (var call in delta.Calls.Where(call => GoesOn(call, goesOn)))
            await DeltaAsync("input_json_delta", "partial_json", call.Arguments);
        if (request.TellsThinking && delta.Reasoning.Length > 0)
        {
            await OpenAsync(BlockKind.Thinking);
            _thought.Append(delta.Reasoning);
            await DeltaAsync("thinking_delta", "thinking", delta.Reasoning);
        }

        if (delta.Text.Length > 0)
        {
            await OpenAsync(BlockKind.Text);
            await DeltaAsync("text_delta", "text", delta.Text);
        }

        foreach (var call in delta.Calls.Where(call => !call.IsDropped && !GoesOn(call, goesOn)))
            await TellCallAsync(call);
    }

    private static bool GoesOn(ChatCallDelta call, int index) => !call.IsDropped && call.Id is null && call.Index == index;

    public void Finish(ChatUpdate.ChoiceFinished finished) => _finished = finished;

    public async ValueTask EndAsync(ChatUsage usage)
    {
        foreach (var (id, name, arguments) in _calls.Values)
        {
            await OpenCallAsync(id, name);
            await DeltaAsync("input_json_delta", "partial_json", arguments.Length > 0 ? arguments.ToString() : "{}");
        }

        await CloseAsync();
        await events.WriteAsync(
            (writer, _finished, usage), static (json, state) => state.writer.WriteEnd(json, state._finished, state.usage), "message_delta");
        await events.WriteAsync(0, static (json, _) => MessageWriter.WriteMessageStop(json), "message_stop");
    }

    private async ValueTask TellCallAsync(ChatCallDelta call)
    {
        if (call.Id is { } id && request.EagerTools.Contains(call.Name!))
        {
            _eagerCall = call.Index;
            await OpenCallAsync(id, call.Name!);
            if (call.Arguments.Length > 0)
                await DeltaAsync("input_json_delta", "partial_json", call.Arguments);
        }
        else if (call.Id is not null)
        {
            _calls[call.Index] = (call.Id, call.Name!, new StringBuilder(call.Arguments));
        }
        else if (_calls.TryGetValue(call.Index, out var held))
        {
            held.Arguments.Append(call.Arguments);
        }
        else if (call.Index == _eagerCall)
        {
            await DeltaAsync("input_json_delta", "partial_json", call.Arguments);
        }
    }

    private async ValueTask OpenAsync(BlockKind kind)
    {
        if (_open == kind)
            return;
        await CloseAsync();
        (_open, _eagerCall) = (kind, -1);
        _index++;
        if (kind == BlockKind.Text)
            await events.WriteAsync(_index, static (json, index) => MessageWriter.WriteTextStart(json, index), BlockStart);
        else
            await events.WriteAsync(_index, static (json, index) => MessageWriter.WriteThinkingStart(json, index), BlockStart);
    }

    private async ValueTask OpenCallAsync(string id, string name)
    {
        await CloseAsync();
        _open = BlockKind.Call;
        _index++;
        await events.WriteAsync((_index, id, name),
            static (json, state) => MessageWriter.WriteCallStart(json, state._index, state.id, state.name), BlockStart);
    }

    private async ValueTask CloseAsync()
    {
        if (_open == BlockKind.None)
            return;
        if (_open == BlockKind.Thinking)
        {
            await DeltaAsync("signature_delta", "signature", MessageWriter.Sign(_thought.ToString()));
            _thought.Clear();
        }

        _open = BlockKind.None;
        await events.WriteAsync(_index, static (json, index) => MessageWriter.WriteBlockStop(json, index), "content_block_stop");
    }

    private ValueTask DeltaAsync(string type, string key, string text) => events.WriteAsync((_index, type, key, text),
        static (json, state) => MessageWriter.WriteDelta(json, state._index, state.type, state.key, state.text), "content_block_delta");
}
