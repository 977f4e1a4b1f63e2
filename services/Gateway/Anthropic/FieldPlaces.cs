using Parley.Gateway.OpenAi;

namespace Parley.Gateway.Anthropic;

/// <summary>Fields of the gRPC contract under the names of a request, whose messages may have become more or fewer.</summary>
/// <param name="messages">Where each message of the chat stood.</param>
internal sealed class FieldPlaces(IReadOnlyList<string> messages)
{
    private const string Messages = "chat.messages[";

    public string NameOf(string field)
    {
        if (field.StartsWith(Messages, StringComparison.Ordinal)
            && field.IndexOf(']', StringComparison.Ordinal) is > 0 and var end
            && int.TryParse(field.AsSpan(Messages.Length, end - Messages.Length), out var index) && index < messages.Count)
        {
            return messages[index] + field[(end + 1)..];
        }

        if (field is "stop" || field.StartsWith("stop[", StringComparison.Ordinal))
            return "stop_sequences" + field["stop".Length..];
        return field.StartsWith("chat.template_arguments_json", StringComparison.Ordinal) ? "thinking" : FieldNames.ToOpenAi(field);
    }
}
