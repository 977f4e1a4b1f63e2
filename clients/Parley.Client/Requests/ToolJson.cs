using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Parley.Client.Requests;

/// <summary>Tools, arguments and results as the JSON that chat templates read.</summary>
internal static class ToolJson
{
    /// <summary>Templates write JSON into prompts, where an escape would be text that the model has to read.</summary>
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Contracts of the abstractions' and, where there is reflection, of every type; theirs is indented.</summary>
    private static readonly JsonSerializerOptions Compact = new(AIJsonUtilities.DefaultOptions)
    {
        WriteIndented = false,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>One entry of the list of tools.</summary>
    public static string Write(AIFunctionDeclaration tool)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Plain))
        {
            json.WriteStartObject();
            json.WriteString("type", "function");
            json.WriteStartObject("function");
            json.WriteString("name", tool.Name);
            if (tool.Description.Length > 0)
                json.WriteString("description", tool.Description);
            var strict = tool.AdditionalProperties.TryGetValue(ParleyProperties.Strict, out var given) ? given as bool? : null;
            if (tool.JsonSchema.ValueKind == JsonValueKind.Object)
            {
                json.WritePropertyName("parameters");
                (strict == true ? ClosedSchema.Of(tool.JsonSchema) : tool.JsonSchema).WriteTo(json);
            }

            if (strict is { } isStrict)
                json.WriteBoolean("strict", isStrict);

            json.WriteEndObject();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>The arguments of a call as one object.</summary>
    /// <exception cref="NotSupportedException">A value's type has no contract, and there is no reflection to make one.</exception>
    public static string Arguments(IDictionary<string, object?>? arguments) =>
        arguments is null
            ? "{}"
            : JsonSerializer.Serialize(arguments, Compact.GetTypeInfo(typeof(IDictionary<string, object?>)));

    /// <summary>The arguments of a call that a model wrote.</summary>
    /// <exception cref="JsonException">It is no JSON object.</exception>
    public static IDictionary<string, object?>? ReadArguments(string json) =>
        (IDictionary<string, object?>?)JsonSerializer.Deserialize(json, Compact.GetTypeInfo(typeof(IDictionary<string, object?>)));

    /// <summary>A function's result as the text of a message.</summary>
    /// <exception cref="NotSupportedException">Its type has no contract, and there is no reflection to make one.</exception>
    public static string Result(object? result) => result switch
    {
        null => "",
        string text => text,
        JsonElement { ValueKind: JsonValueKind.String } element => element.GetString()!,
        TextContent content => content.Text,
        _ => Serialize(result),
    };

    /// <exception cref="NotSupportedException">The value's type has no contract, and there is no reflection to make one.</exception>
    public static string Serialize(object value) =>
        JsonSerializer.Serialize(value, Compact.GetTypeInfo(value.GetType()));
}
