using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Parley.Tokenizer.V1;

namespace Parley.Client.Requests;

/// <summary>
/// How much a model shall think, as variables of its chat template: the same that the server makes of OpenAI's fields. A template that
/// knows none of them writes the same prompt as without.
/// </summary>
internal static class ThinkingWriter
{
    public static void Write(ReasoningEffort? effort, Chat chat)
    {
        var name = effort switch
        {
            ReasoningEffort.None => "none",
            ReasoningEffort.Low => "low",
            ReasoningEffort.Medium => "medium",
            ReasoningEffort.High => "high",
            ReasoningEffort.ExtraHigh => "xhigh",
            _ => null,
        };
        if (name is null)
            return;
        Set(chat, "reasoning_effort", name);
        if (effort != ReasoningEffort.None)
            return;
        // Qwen, SmolLM3 and GLM read the first, Granite and DeepSeek the second.
        Set(chat, "enable_thinking", false);
        Set(chat, "thinking", false);
    }

    /// <summary>Lays one JSON object over another; what the second has wins.</summary>
    public static string Over(string argumentsJson, string overJson)
    {
        if (argumentsJson.Length == 0)
            return overJson;
        var arguments = JsonNode.Parse(argumentsJson)!.AsObject();
        foreach (var (name, value) in JsonNode.Parse(overJson)!.AsObject())
            arguments[name] = value?.DeepClone();
        return arguments.ToJsonString();
    }

    private static void Set(Chat chat, string name, JsonNode value)
    {
        var one = new JsonObject { [name] = value }.ToJsonString();
        chat.TemplateArgumentsJson = chat.TemplateArgumentsJson.Length == 0 ? one : Over(one, chat.TemplateArgumentsJson);
    }
}
