using System.Text.Json;
using Parley.Tokenizer.Templating;
using Parley.Tokenizer.Templating.Values;
using Parley.Tokenizer.V1;

namespace Parley.Tokenizer;

/// <summary>
/// The chat of a request → what templates see, as transformers prepares it: keys in the order of an OpenAI request, none that is null,
/// reasoning under all the names that templates read.
/// </summary>
internal sealed class ChatMapper(TokenizerOptions options)
{
    private const int RoleCharactersMax = 64;

    private static readonly string[] ReasoningKeys = ["reasoning_content", "thinking", "reasoning"];

    // What a message has fields of its own for.
    private static readonly string[] MessageKeys = ["role", "content", "name", "tool_call_id", "tool_calls"];

    // What apply_chat_template takes itself, so that no variable of a template can have the name.
    private static readonly HashSet<string> ReservedArguments = new(StringComparer.Ordinal)
    {
        "messages", "conversation", "conversations", "tools", "documents", "chat_template", "add_generation_prompt",
        "continue_final_message", "tokenize", "padding", "truncation", "max_length", "return_tensors", "return_dict",
        "return_assistant_tokens_mask", "tokenizer_kwargs", "sanitize_control_tokens", "self",
    };

    private readonly List<RequestException> _faults = [];
    private long _characters;

    /// <summary>Every fault of the chat; empty when <see cref="Map"/> may be used.</summary>
    public IReadOnlyList<RequestException> Faults => _faults;

    /// <summary>Maps a chat, noting its faults.</summary>
    public ChatInput Map(Chat chat)
    {
        if (chat.Messages.Count == 0)
            Fault("chat.messages", "A chat needs at least one message.");
        if (chat.Messages.Count > options.MessagesMax)
            Fault("chat.messages", $"{chat.Messages.Count} messages are given; at most {options.MessagesMax} are allowed.");
        if (chat.ContinueFinalMessage && chat.HasAddGenerationPrompt && chat.AddGenerationPrompt)
            Fault("chat.add_generation_prompt", "The last message cannot be continued and a new one opened at once.");
        CheckEmptyList(chat.EmptyToolsList, chat.ToolsJson, "chat.empty_tools_list");
        CheckEmptyList(chat.EmptyDocumentsList, chat.DocumentsJson, "chat.empty_documents_list");
        var messages = chat.Messages.Take(options.MessagesMax)
            .Select((message, index) => MapMessage(message, $"chat.messages[{index}]")).ToList();
        var input = new ChatInput(messages, MapList(chat.ToolsJson, chat.EmptyToolsList, "chat.tools_json"),
            MapList(chat.DocumentsJson, chat.EmptyDocumentsList, "chat.documents_json"),
            chat.HasAddGenerationPrompt ? chat.AddGenerationPrompt : !chat.ContinueFinalMessage, chat.ContinueFinalMessage,
            MapArguments(chat.TemplateArgumentsJson, "chat.template_arguments_json"));
        if (_characters > options.TextCharactersMax)
            Fault("chat", $"The chat has {_characters} characters; at most {options.TextCharactersMax} are allowed.");
        return input;
    }

    private DictionaryValue MapMessage(ChatMessage message, string place)
    {
        if (message.Role.Length == 0)
            Fault($"{place}.role", "A message needs a role.");
        if (message.HasContent && message.Parts.Count > 0)
            Fault($"{place}.content", "Content is given both as a text and as parts.");
        var entries = new List<KeyValuePair<TemplateValue, TemplateValue>> { Entry("role", Role(message.Role)) };
        if (message.Parts.Count > 0)
        {
            entries.Add(Entry(
                "content", SequenceValue.List([.. message.Parts.Select((part, index) => Part(part, $"{place}.parts[{index}]"))])));
        }
        else if (message.HasContent)
            entries.Add(Entry("content", Text(message.Content)));
        if (message.HasName)
            entries.Add(Entry("name", Text(message.Name)));
        if (message.HasToolCallId)
            entries.Add(Entry("tool_call_id", Text(message.ToolCallId)));
        if (message.ToolCalls.Count > 0)
        {
            CheckCount(message.ToolCalls.Count, "tool calls", $"{place}.tool_calls");
            entries.Add(Entry("tool_calls", SequenceValue.List([.. message.ToolCalls.Take(options.ChatItemsMax)
                .Select((call, i) => MapCall(call, $"{place}.tool_calls[{i}]"))])));
        }

        if (message.HasReasoningContent)
            entries.Add(Entry("reasoning_content", Text(message.ReasoningContent)));
        entries.AddRange(MapExtra(message, $"{place}.extra_json"));
        foreach (var name in ReasoningKeys)
        {
            var reasoning = entries.Find(entry => ((TextValue)entry.Key).Text == name).Value;
            if (reasoning is null)
                continue;
            entries.Insert(0, Entry("thinking", reasoning));
            entries.Add(Entry("reasoning_content", reasoning));
            break;
        }

        return new DictionaryValue(entries);
    }

    // A role is a name and not a user's text: a template that writes <|role|> means the special token. What is no name stays text.
    private TextValue Role(string role)
    {
        var isName = role.Length <= RoleCharactersMax
            && role.All(character => char.IsAsciiLetterOrDigit(character) || character is '_' or '-' or '.' or ' ');
        return isName ? new TextValue(role) : Text(role);
    }

    private List<KeyValuePair<TemplateValue, TemplateValue>> MapExtra(ChatMessage message, string place)
    {
        var extra = Object(message.ExtraJson, place).Entries.Where(entry => entry.Value is not NoneValue).ToList();
        foreach (var (key, _) in extra)
        {
            var name = ((TextValue)key).Text;
            if (MessageKeys.Contains(name) || (name == "reasoning_content" && message.HasReasoningContent))
                Fault($"{place}.{name}", "The message has a field of its own for this.");
        }

        return extra;
    }

    private List<KeyValuePair<string, TemplateValue>> MapArguments(string json, string place)
    {
        var arguments = Object(json, place).Entries;
        CheckCount(arguments.Count, "template arguments", place);
        foreach (var (key, _) in arguments)
        {
            if (((TextValue)key).Text is var name && ReservedArguments.Contains(name))
                Fault($"{place}.{name}", "This name is reserved: the chat template gets it from the request itself.");
        }

        return [.. arguments.Select(entry => KeyValuePair.Create(((TextValue)entry.Key).Text, entry.Value))];
    }

    private DictionaryValue Part(ContentPart part, string place)
    {
        if (part.PartCase == ContentPart.PartOneofCase.Image)
            Fault($"{place}.image", "An image is not supported: prompts are text.");
        return new([Entry("type", new TextValue("text")), Entry("text", Text(part.Text))]);
    }

    private DictionaryValue MapCall(ToolCall call, string place)
    {
        if (call.Name.Length == 0)
            Fault($"{place}.name", "A tool call needs the name of its function.");
        var function = new DictionaryValue([Entry("name", Text(call.Name)),
            Entry("arguments", CallArguments(call.ArgumentsJson, $"{place}.arguments_json"))]);
        var entries = new List<KeyValuePair<TemplateValue, TemplateValue>>();
        if (call.Id.Length > 0)
            entries.Add(Entry("id", Text(call.Id)));
        return new DictionaryValue([.. entries, Entry("type", new TextValue("function")), Entry("function", function)]);
    }

    // A model wrote them, maybe cut off, and the chat goes on: what is no object is an empty one.
    private DictionaryValue CallArguments(string json, string place)
    {
        _characters += json.Length;
        try
        {
            if (Parse(json) is not { } element)
                Fault(place, TooDeep());
            else if (element.ValueKind == JsonValueKind.Object)
                return (DictionaryValue)JsonValues.FromUser(element);
        }
        catch (Exception exception) when (exception is JsonException or TemplateException)
        {
            // Unreadable, like any other value that is not an object.
        }

        return new DictionaryValue([]);
    }

    private TemplateValue MapList(IReadOnlyList<string> items, bool isEmptyList, string place)
    {
        CheckCount(items.Count, "items", place);
        return items.Count == 0 && !isEmptyList
            ? NoneValue.Instance
            : SequenceValue.List([.. items.Take(options.ChatItemsMax)
                .Select((item, index) => Object(item, $"{place}[{index}]", isRequired: true))]);
    }

    private void CheckCount(int count, string what, string place)
    {
        if (count > options.ChatItemsMax)
            Fault(place, $"{count} {what} are given; at most {options.ChatItemsMax} are allowed.");
    }

    private void CheckEmptyList(bool isEmptyList, IReadOnlyList<string> items, string place)
    {
        if (isEmptyList && items.Count > 0)
            Fault(place, "The list is said to be empty, and items are given.");
    }

    private DictionaryValue Object(string json, string place, bool isRequired = false)
    {
        if (json.Length == 0 && !isRequired)
            return new DictionaryValue([]);
        _characters += json.Length;
        try
        {
            if (Parse(json) is not { } element)
                Fault(place, TooDeep());
            else if (element.ValueKind == JsonValueKind.Object)
                return (DictionaryValue)JsonValues.FromUser(element);
            else
                Fault(place, $"This is a JSON {element.ValueKind}, not an object.");
        }
        catch (JsonException exception)
        {
            Fault(place, $"This is not valid JSON: {exception.Message}");
        }
        catch (TemplateException exception)
        {
            Fault(place, exception.Description);
        }

        return new DictionaryValue([]);
    }

    // Null where only the nesting is at fault: the reader reports it like any other error.
    private JsonElement? Parse(string json)
    {
        try
        {
            return JsonElement.Parse(json, new JsonDocumentOptions { MaxDepth = options.TemplateDepthMax });
        }
        catch (JsonException)
        {
            JsonElement.Parse(json, new JsonDocumentOptions { MaxDepth = int.MaxValue });
            return null;
        }
    }

    private string TooDeep() => $"This is nested too deeply: at most {options.TemplateDepthMax} levels are allowed.";

    private TextValue Text(string text)
    {
        _characters += text.Length;
        return TextValue.FromUser(text);
    }

    private static KeyValuePair<TemplateValue, TemplateValue> Entry(string key, TemplateValue value) => new(new TextValue(key), value);

    private void Fault(string field, string description) => _faults.Add(new RequestException(field, description));
}
