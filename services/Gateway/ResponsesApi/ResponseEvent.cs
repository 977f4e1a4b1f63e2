using System.Text.Json;

namespace Parley.Gateway.ResponsesApi;

/// <summary>One event of a response's stream; its number is given when it is written.</summary>
/// <param name="Type">Its name, e.g. <c>response.output_text.delta</c>.</param>
/// <param name="WriteFields">Writes what it has beside type and number.</param>
internal sealed record ResponseEvent(string Type, Action<Utf8JsonWriter> WriteFields);
