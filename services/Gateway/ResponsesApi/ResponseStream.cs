using System.Text.Json;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.ResponsesApi;

/// <summary>The events of one response on their way, numbered from 0.</summary>
internal sealed class ResponseStream(SseWriter events)
{
    private int _number;

    /// <summary>Writes an event without sending it yet.</summary>
    public ValueTask WriteAsync(ResponseEvent one) => events.WriteAsync((one, number: _number++), static (json, state) =>
    {
        json.WriteStartObject();
        json.WriteString("type", state.one.Type);
        json.WriteNumber("sequence_number", state.number);
        state.one.WriteFields(json);
        json.WriteEndObject();
    }, one.Type);

    /// <summary>Writes an event that holds the whole response.</summary>
    public ValueTask WriteAsync(string type, Action<Utf8JsonWriter> writeResponse) => WriteAsync(new ResponseEvent(type, json =>
    {
        json.WritePropertyName("response");
        writeResponse(json);
    }));
}
