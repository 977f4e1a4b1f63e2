using System.Buffers;
using System.Text;
using System.Text.Json;
using Parley.Gateway.Chat;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.Ollama;

/// <summary>
/// The conversation behind a prompt as the numbers that clients send back with the next one. They are no token ids: those could not be told
/// from a template's own, and a model that was changed meanwhile would read them as others. They are the messages as JSON, three bytes a
/// number, behind a number that says so and one for the length in bytes.
/// </summary>
internal static class ContextNumbers
{
    /// <summary>No client makes it up, and no list of token ids begins with it.</summary>
    private const int Mark = 0x50_4152_31;

    private const int BytesPerNumber = 3;

    private static readonly string[] Roles = ["system", "user", "assistant"];

    public static IReadOnlyList<int> Write(IEnumerable<ChatMessage> messages)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, ChatCompletionWriter.JsonOptions))
        {
            json.WriteStartArray();
            foreach (var message in messages)
            {
                json.WriteStringValue(message.Role);
                json.WriteStringValue(message.Content ?? "");
            }

            json.WriteEndArray();
        }

        var bytes = buffer.WrittenSpan;
        var numbers = new List<int> { Mark, bytes.Length };
        for (var at = 0; at < bytes.Length; at += BytesPerNumber)
        {
            var number = 0;
            for (var place = 0; place < BytesPerNumber; place++)
                number = (number << 8) | (at + place < bytes.Length ? bytes[at + place] : 0);
            numbers.Add(number);
        }

        return numbers;
    }

    /// <summary>The messages behind numbers; null where they are none of ours.</summary>
    public static IReadOnlyList<ChatMessage>? Read(JsonElement numbers)
    {
        var list = new List<int>(numbers.GetArrayLength());
        foreach (var number in numbers.EnumerateArray())
        {
            if (number.ValueKind != JsonValueKind.Number || !number.TryGetInt32(out var value) || value < 0)
                return null;
            list.Add(value);
        }

        if (list is not [Mark, var length, .. var packed] || length > packed.Count * BytesPerNumber
            || length <= (packed.Count - 1) * BytesPerNumber || packed.Any(number => number >> 24 != 0))
            return null;
        var bytes = packed.SelectMany(number => new[] { (byte)(number >> 16), (byte)(number >> 8), (byte)number }).Take(length).ToArray();
        return Parse(bytes);
    }

    private static IReadOnlyList<ChatMessage>? Parse(byte[] bytes)
    {
        try
        {
            if (JsonText.FindBrokenText(bytes) is not null)
                return null;
            var texts = JsonSerializer.Deserialize(bytes, ContextJson.Default.StringArray);
            if (texts is null || texts.Length % 2 != 0)
                return null;
            var messages = texts.Chunk(2).Select(pair => new ChatMessage { Role = pair[0] ?? "", Content = pair[1] ?? "" }).ToArray();
            return messages.All(message => Roles.Contains(message.Role)) ? messages : null;
        }
        catch (Exception exception) when (exception is JsonException or DecoderFallbackException)
        {
            return null;
        }
    }
}
