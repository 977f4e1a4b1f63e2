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
    private static readonly string[] ReasoningKeys = ["reasoning_content", "thinking", "reasoning"];

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
        var messages = chat.Messages.Take(options.MessagesMax)
            .Select((message, index) => MapMessage(message, $"chat.messages[{index}]")).ToList();
        var arguments = Object(chat.TemplateArgumentsJson, "chat.template_arguments_json");
        var input = new ChatInput(messages, MapList(chat.ToolsJson, "chat.tools_json"), MapList(chat.DocumentsJson, "chat.documents_json"),
            chat.HasAddGenerationPrompt ? chat.AddGenerationPrompt : !chat.ContinueFinalMessage, chat.ContinueFinalMessage,
            [.. arguments.Entries.Select(entry => KeyValuePair.Create(((TextValue)entry.Key).Text, entry.Value))]);
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
        var entries = new List<KeyValuePair<TemplateValue, TemplateValue>> { Entry("role", Text(message.Role)) };
        if (message.Parts.Count > 0)
            entries.Add(Entry("content", SequenceValue.List([.. message.Parts.Select(part => Part(part))])));
        else if (message.HasContent)
            entries.Add(Entry("content", Text(message.Content)));
        if (message.HasName)
            entries.Add(Entry("name", Text(message.Name)));
        if (message.HasToolCallId)
            entries.Add(Entry("tool_call_id", Text(message.ToolCallId)));
        if (message.ToolCalls.Count > 0)
            entries.Add(Entry("tool_calls",
                SequenceValue.List([.. message.ToolCalls.Select((call, i) => MapCall(call, $"{place}.tool_calls[{i}]"))])));
        if (message.HasReasoningContent)
            entries.Add(Entry("reasoning_content", Text(message.ReasoningContent)));
        entries.AddRange(Object(message.ExtraJson, $"{place}.extra_json").Entries.Where(entry => entry.Value is not NoneValue));
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

    private DictionaryValue Part(ContentPart part) => new([Entry("type", new TextValue("text")), Entry("text", Text(part.Text))]);

    private DictionaryValue MapCall(ToolCall call, string place)
    {
        if (call.Name.Length == 0)
            Fault($"{place}.name", "A tool call needs the name of its function.");
        var function = new DictionaryValue([Entry("name", Text(call.Name)),
            Entry("arguments", Object(call.ArgumentsJson, $"{place}.arguments_json"))]);
        var entries = new List<KeyValuePair<TemplateValue, TemplateValue>>();
        if (call.Id.Length > 0)
            entries.Add(Entry("id", Text(call.Id)));
        return new DictionaryValue([.. entries, Entry("type", new TextValue("function")), Entry("function", function)]);
    }

    private TemplateValue MapList(IReadOnlyList<string> items, string place) => items.Count == 0
        ? NoneValue.Instance
        : SequenceValue.List([.. items.Select((item, index) => Object(item, $"{place}[{index}]", isRequired: true))]);

    private DictionaryValue Object(string json, string place, bool isRequired = false)
    {
        if (json.Length == 0 && !isRequired)
            return new DictionaryValue([]);
        _characters += json.Length;
        try
        {
            var element = JsonElement.Parse(json, new JsonDocumentOptions { MaxDepth = options.TemplateDepthMax });
            if (JsonValues.FromUser(element) is DictionaryValue dictionary)
                return dictionary;
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

    private TextValue Text(string text)
    {
        _characters += text.Length;
        return TextValue.FromUser(text);
    }

    private static KeyValuePair<TemplateValue, TemplateValue> Entry(string key, TemplateValue value) => new(new TextValue(key), value);

    private void Fault(string field, string description) => _faults.Add(new RequestException(field, description));
}
