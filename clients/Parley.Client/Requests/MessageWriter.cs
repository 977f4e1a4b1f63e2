using System.Text;
using Microsoft.Extensions.AI;
using Parley.Tokenizer.V1;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;
using WireMessage = Parley.Tokenizer.V1.ChatMessage;

namespace Parley.Client.Requests;

/// <summary>The messages of a conversation as the chat template gets them; what is no text is a violation.</summary>
internal sealed class MessageWriter(ViolationList violations)
{
    private const string Developer = "developer";

    /// <summary>Functions that were called, by the call's id: a result has the id alone, and some templates read the name.</summary>
    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);

    /// <summary>Writes one message, which is several where it holds several results.</summary>
    public IEnumerable<WireMessage> Write(string field, ChatMessage message)
    {
        var written = new WireMessage { Role = RoleOf(message.Role) };
        if (message.AuthorName is { Length: > 0 } name)
            written.Name = name;
        var texts = new List<string>();
        var reasoning = new StringBuilder();
        var results = new List<WireMessage>();
        for (var i = 0; i < message.Contents.Count; i++)
        {
            var place = $"{field}.Contents[{i}]";
            switch (message.Contents[i])
            {
                case TextContent text:
                    texts.Add(text.Text);
                    break;
                case TextReasoningContent thought:
                    reasoning.Append(thought.Text);
                    break;
                case FunctionCallContent call:
                    AddCall(place, call, written);
                    break;
                case FunctionResultContent result:
                    results.Add(Result(place, result));
                    break;
                case UsageContent or ErrorContent:
                    // Notes about an earlier answer; nobody said them.
                    break;
                case var other:
                    violations.Add(place, $"is {NameOf(other)}; the models of this server read text alone");
                    break;
            }
        }

        if (reasoning.Length > 0)
            written.ReasoningContent = reasoning.ToString();
        if (texts.Count > 1)
            written.Parts.Add(texts.Select(text => new ContentPart { Text = text }));
        else
            written.Content = texts.Count == 1 ? texts[0] : "";
        var saysNothing = texts.Count == 0 && written.ToolCalls.Count == 0 && reasoning.Length == 0;
        return results.Count > 0 && saysNothing ? results : [written, .. results];
    }

    /// <summary>OpenAI's newer name for the system role; the templates know the older one.</summary>
    private static string RoleOf(ChatRole role) => role.Value == Developer ? ChatRole.System.Value : role.Value;

    private void AddCall(string place, FunctionCallContent call, WireMessage message)
    {
        _names[call.CallId] = call.Name;
        if (Json(place, () => ToolJson.Arguments(call.Arguments)) is { } arguments)
            message.ToolCalls.Add(new ToolCall { Id = call.CallId, Name = call.Name, ArgumentsJson = arguments });
    }

    private WireMessage Result(string place, FunctionResultContent result)
    {
        var message = new WireMessage
        {
            Role = ChatRole.Tool.Value,
            ToolCallId = result.CallId,
            Content = Json(place, () => ToolJson.Result(result.Result)) ?? "",
        };
        if (_names.TryGetValue(result.CallId, out var name))
            message.Name = name;
        return message;
    }

    private string? Json(string place, Func<string> write)
    {
        try
        {
            return write();
        }
        catch (NotSupportedException exception)
        {
            violations.Add(place, $"cannot be written as JSON: {exception.Message}");
            return null;
        }
    }

    private static string NameOf(AIContent content) => content switch
    {
        DataContent data => $"{Kind(data.MediaType)} ({data.MediaType})",
        UriContent uri => $"{Kind(uri.MediaType)} ({uri.MediaType})",
        _ => content.GetType().Name,
    };

    private static string Kind(string mediaType) => mediaType.Split('/')[0] switch
    {
        "image" => "an image",
        "audio" => "a sound",
        "video" => "a video",
        _ => "a file",
    };
}
