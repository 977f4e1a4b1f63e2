using System.Collections.Frozen;
using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating;

/// <summary>
/// In which form a template reads the content of messages: a string, a list of parts, or both. Found out once, by rendering chats with
/// content that is known, and for each role apart, because templates often read a system message otherwise than a user's. A chat keeps
/// the form it came in, as in transformers, unless the template would lose its text: then it gets the other form.
/// </summary>
internal sealed class ContentForms
{
    private const string User = "user";
    private const string System = "system";
    private const string Assistant = "assistant";
    private const string Tool = "tool";

    // Digits: no template changes their case, and none has them in its own text.
    private const string FirstProbe = "4815162342731";
    private const string SecondProbe = "9265358979323";
    private const string Filler = "6180339887498";

    private static readonly TextValue ContentKey = new("content");
    private static readonly TextValue TextKey = new("text");

    // Chats in which the last message of that role can stand, the simplest first: the first that renders decides.
    private static readonly FrozenDictionary<string, string[][]> Chats = new Dictionary<string, string[][]>
    {
        [User] = [[User], [System, User], [User, Assistant, User]],
        [System] = [[System, User], [User, System], [System]],
        [Assistant] = [[User, Assistant, User], [User, Assistant], [System, User, Assistant]],
        [Tool] = [[User, Assistant, Tool], [User, Assistant, Tool, Assistant, User], [User, Tool]],
    }.ToFrozenDictionary();

    private readonly Dictionary<string, ContentForm> _forms;

    private ContentForms(Dictionary<string, ContentForm> forms) => _forms = forms;

    public ContentForm this[string role] => _forms.GetValueOrDefault(role, _forms[User]);

    /// <summary>Renders the probes; what a template refuses counts as not read.</summary>
    public static ContentForms Detect(ChatTemplate template) =>
        new(Chats.ToDictionary(pair => pair.Key, pair => Detect(template, pair.Key, pair.Value)));

    /// <summary>The chat with each content in a form that the template reads.</summary>
    public ChatInput Adapt(ChatInput chat) => chat with { Messages = [.. chat.Messages.Select(Adapt)] };

    private static ContentForm Detect(ChatTemplate template, string role, string[][] chats)
    {
        foreach (var roles in chats)
        {
            var text = Render(template, roles, role, new TextValue(FirstProbe));
            var parts = Render(template, roles, role,
                SequenceValue.List([Part(new TextValue(FirstProbe)), Part(new TextValue(SecondProbe))]));
            var readsText = text?.Contains(FirstProbe, StringComparison.Ordinal) == true;
            var partsRead = parts is null || IsDump(parts) ? 0
                : Count(parts, FirstProbe) + Count(parts, SecondProbe);
            if (readsText || partsRead > 0)
                return new ContentForm(readsText, partsRead);
        }

        return ContentForm.Any;
    }

    private static int Count(string text, string probe) => text.Contains(probe, StringComparison.Ordinal) ? 1 : 0;

    // A list that was printed as it stands, by str or tojson: quotes around the key and around the text.
    private static bool IsDump(string text)
    {
        bool Has(string part) => text.Contains(part, StringComparison.Ordinal);
        return Has($"'{FirstProbe}'") || Has($"\"{FirstProbe}\"") ? Has("'text'") || Has("\"text\"") : Has($"\\\"{FirstProbe}\\\"");
    }

    private static string? Render(ChatTemplate template, string[] roles, string role, TemplateValue content)
    {
        var last = Array.LastIndexOf(roles, role);
        var messages = roles.Select((name, index) =>
            Message(name, index == last ? content : new TextValue(Filler), roles, index)).ToList();
        try
        {
            return template.Render(new ChatInput(messages, NoneValue.Instance, NoneValue.Instance,
                AddGenerationPrompt: roles[^1] != Assistant, ContinueFinalMessage: false, [])).Text;
        }
        catch (TemplateException)
        {
            return null;
        }
    }

    private static DictionaryValue Message(string role, TemplateValue content, string[] roles, int index)
    {
        var entries = new List<KeyValuePair<TemplateValue, TemplateValue>> { Entry("role", new TextValue(role)), new(ContentKey, content) };
        const string CallId = "call00001";
        if (role == Tool)
            entries.AddRange([Entry("name", new TextValue("probe")), Entry("tool_call_id", new TextValue(CallId))]);
        if (role == Assistant && index + 1 < roles.Length && roles[index + 1] == Tool)
        {
            var function = new DictionaryValue([Entry("name", new TextValue("probe")), Entry("arguments", new DictionaryValue([]))]);
            entries.Add(Entry("tool_calls", SequenceValue.List([new DictionaryValue([Entry("id", new TextValue(CallId)),
                Entry("type", new TextValue("function")), Entry("function", function)])])));
        }

        return new DictionaryValue(entries);
    }

    private DictionaryValue Adapt(DictionaryValue message)
    {
        if (!message.TryGet(ContentKey, out var content))
            return message;
        var form = this[message.TryGet(new TextValue("role"), out var role) && role is TextValue name ? name.Text : User];
        var adapted = content switch
        {
            TextValue text when !form.ReadsText && form.PartsRead > 0 => SequenceValue.List([Part(text)]),
            SequenceValue { Items.Count: 1 } when form.PartsRead > 0 => content,
            SequenceValue when form.PartsRead > 1 => content,
            SequenceValue parts when form.PartsRead == 1 => SequenceValue.List([Part(Joined(parts))]),
            SequenceValue parts when form.ReadsText => Joined(parts),
            _ => content,
        };
        return ReferenceEquals(adapted, content) ? message : new DictionaryValue([.. message.Entries, new(ContentKey, adapted)]);
    }

    // Nothing between the parts: what they say is all that is said.
    private static TextValue Joined(SequenceValue parts)
    {
        var builder = new TextBuilder(Evaluation.PythonText.CharactersMax);
        foreach (var item in parts.Items)
        {
            if (item is DictionaryValue part && part.TryGet(TextKey, out var value) && value is TextValue text)
                builder.Append(text);
        }

        return builder.ToValue();
    }

    private static DictionaryValue Part(TextValue text) => new([Entry("type", new TextValue("text")), new(TextKey, text)]);

    private static KeyValuePair<TemplateValue, TemplateValue> Entry(string key, TemplateValue value) => new(new TextValue(key), value);
}
