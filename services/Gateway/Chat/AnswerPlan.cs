using System.Text.Json;
using System.Text.Json.Nodes;
using Parley.Gateway.Responses.Tags;
using Parley.Gateway.Upstream;

namespace Parley.Gateway.Chat;

/// <summary>
/// What the choice of tools, strict functions and the guide of the content come to for the answer as the model writes it: one guide over
/// reasoning, content and calls. A request that asks for nothing of the kind is left as it is.
/// </summary>
internal static class AnswerPlan
{
    private const int NameShownMax = 64;
    private const int GuideDepthMax = 512;

    /// <summary>Refuses what cannot be enforced for this model, before it costs anything.</summary>
    /// <exception cref="ChatException">It cannot be.</exception>
    public static void Check(ChatRequest request, UpstreamPair pair)
    {
        if (!IsEnforced(request, out var field) || pair.Format?.Calls is not null)
            return;
        throw new ChatException(ChatError.Invalid(new ChatViolation(
            field, $"cannot be enforced: it is not known how {pair.Model} writes calls", ViolationReason.Unsupported)));
    }

    /// <summary>The request with the guide of its whole answer.</summary>
    /// <param name="request">The request; its tools are those that the model hears of.</param>
    /// <param name="pair">Says how the model writes.</param>
    /// <param name="prompt">The chat as the template wrote it.</param>
    /// <exception cref="ChatException">A function cannot be enforced as it is described.</exception>
    public static ChatRequest Apply(ChatRequest request, UpstreamPair pair, string prompt)
    {
        var isEnforced = IsEnforced(request, out var field);
        var guide = request.Sampling.Guide;
        if (pair.Format is not { } format || (!isEnforced && guide is null))
            return request;
        var reasoning = ReasoningStart.Find(format, prompt, pair.Tokenizer.ChatTemplate);
        var hasCalls = request.Conversation.ToolsJson.Count > 0 && format.Calls is not null;
        // The text that the guide speaks of is the whole answer.
        if (!isEnforced && reasoning == ReasoningPlace.Over && !hasCalls && format.Content is null)
            return request;
        try
        {
            var functions = hasCalls ? FunctionsOf(request, guide is not null) : [];
            var mustCall = request.ToolChoice is ToolChoice.Required or ToolChoice.Named;
            var single = !request.ParallelToolCalls || request.ToolChoice == ToolChoice.Named;
            var tag = AnswerTag.Write(format, reasoning, mustCall ? null : ElementOf(guide), functions, mustCall, single);
            var whole = new ChatGuide(GuideKind.StructuralTag, [tag.ToJsonString()], isEnforced ? field : guide!.Field)
            {
                Content = mustCall ? null : guide,
                Functions = functions,
            };
            return request with { Sampling = request.Sampling with { Guide = whole } };
        }
        catch (TagException exception)
        {
            throw new ChatException(ChatError.Invalid(new ChatViolation(
                $"chat.tools_json[{exception.Tool}]{exception.Place}", exception.Message, ViolationReason.Unsupported)));
        }
        catch (JsonException)
        {
            throw new ChatException(ChatError.Invalid(new ChatViolation(guide!.Field, "is no JSON, or has a key twice")));
        }
    }

    /// <summary>Every fault of the choice that needs no service to be seen.</summary>
    public static void CheckChoice(ChatRequest request, ViolationList violations)
    {
        if (request.ToolChoice is not (ToolChoice.Required or ToolChoice.Named) && request.AllowedTools.Count == 0)
            return;
        if (request.Conversation.ToolsJson.Count == 0)
        {
            violations.Add("tool_choice", "asks for a call, and there are no tools", ViolationReason.Missing);
            return;
        }

        var names = ToolFunction.Names(request.Conversation.ToolsJson);
        IReadOnlyList<string> chosen = request.ToolChoice == ToolChoice.Named ? [request.ToolName] : request.AllowedTools;
        foreach (var name in chosen.Where(name => !names.Contains(name)))
        {
            violations.Add("tool_choice", name.Length == 0 ? "must name a function"
                : $"names the function '{BoundedText.Cut(name, NameShownMax)}', which is not among the tools");
        }
    }

    /// <summary>Calls must come, or keep to schemas.</summary>
    private static bool IsEnforced(ChatRequest request, out string field)
    {
        field = "tool_choice";
        if (request.ToolChoice == ToolChoice.None || request.Conversation.ToolsJson.Count == 0)
            return false;
        if (request.ToolChoice is ToolChoice.Required or ToolChoice.Named || request.AllowedTools.Count > 0)
            return true;
        field = "chat.tools_json";
        return request.Conversation.ToolsJson.Any(IsStrict);
    }

    /// <summary>Read as it stands: what is no JSON was refused before.</summary>
    private static bool IsStrict(string toolJson)
    {
        if (!toolJson.Contains("\"strict\"", StringComparison.Ordinal))
            return false;
        using var document = JsonDocument.Parse(toolJson, new JsonDocumentOptions { MaxDepth = GuideDepthMax });
        var tool = document.RootElement;
        var function = tool.TryGetProperty("function", out var inner) && inner.ValueKind == JsonValueKind.Object ? inner : tool;
        return function.TryGetProperty("strict", out var strict) && strict.ValueKind == JsonValueKind.True;
    }

    /// <summary>What may be called. One that is not strict, and need not come, may have any arguments where that can be said.</summary>
    private static List<ToolFunction> FunctionsOf(ChatRequest request, bool isGuided)
    {
        var mustCall = request.ToolChoice is ToolChoice.Required or ToolChoice.Named;
        var functions = ToolFunction.Read(request.Conversation.ToolsJson).AsEnumerable();
        if (request.ToolChoice == ToolChoice.Named)
            functions = functions.Where(function => function.Name == request.ToolName).Take(1);
        else if (request.AllowedTools.Count > 0)
            functions = functions.Where(function => request.AllowedTools.Contains(function.Name));
        return [.. functions.Select(function => mustCall || isGuided || function.IsStrict ? function : function with { IsFree = true })];
    }

    private static JsonObject? ElementOf(ChatGuide? guide) => guide switch
    {
        null => null,
        { Kind: GuideKind.JsonSchema } => TagNode.Schema(Parse(guide.Texts[0])),
        { Kind: GuideKind.Regex } => TagNode.Pattern(guide.Texts[0]),
        { Kind: GuideKind.Choice } => TagNode.Or([.. guide.Texts.Select(TagNode.Text)]),
        { Kind: GuideKind.StructuralTag } => FormatOf(Parse(guide.Texts[0])),
        _ => new JsonObject { ["type"] = "grammar", ["grammar"] = guide.Texts[0] },
    };

    /// <summary>What a structural tag of the request is made of; the older form has tags with schemas behind triggers.</summary>
    private static JsonObject FormatOf(JsonNode tag)
    {
        if (tag is JsonObject { } whole && whole["format"] is JsonObject format)
            return format;
        if (tag is not JsonObject older || older["structures"] is not JsonArray structures)
            throw new JsonException();
        return new JsonObject
        {
            ["type"] = "triggered_tags",
            ["triggers"] = older["triggers"]?.DeepClone(),
            ["tags"] = new JsonArray([.. structures.Select(one => new JsonObject
            {
                ["type"] = "tag",
                ["begin"] = one?["begin"]?.DeepClone(),
                ["content"] = TagNode.Schema(one?["schema"] ?? new JsonObject()),
                ["end"] = one?["end"]?.DeepClone(),
            })]),
        };
    }

    private static JsonNode Parse(string json) => JsonNode.Parse(
        json, documentOptions: new JsonDocumentOptions { MaxDepth = GuideDepthMax, AllowDuplicateProperties = false })
        ?? throw new JsonException();
}
