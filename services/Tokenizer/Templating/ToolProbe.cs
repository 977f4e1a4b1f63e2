using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating;

/// <summary>
/// Finds out whether a template reads tools, by rendering chats with and without. A name in its text is not enough: many templates only
/// define the variable, or refuse it.
/// </summary>
internal static class ToolProbe
{
    private const string Name = "parley_probe";

    /// <summary>Whether tools change what a template writes.</summary>
    /// <param name="template">The template.</param>
    /// <param name="mentionsTools">Whether any of its expressions reads the name.</param>
    public static bool Changes(ChatTemplate template, bool mentionsTools)
    {
        if (!mentionsTools)
            return false;
        DictionaryValue[][] chats =
        [
            [Message("user", "Hello")],
            [Message("system", "Be brief."), Message("user", "Hello")],
        ];
        var changes = chats.Select(chat => ChangesChat(template, chat)).ToList();
        // What refuses both chats may do better on those of a request; it has the benefit of the doubt.
        return changes.Contains(true) || changes.TrueForAll(one => one is null);
    }

    /// <summary>Null where that chat shows nothing: the template refuses it as it is.</summary>
    private static bool? ChangesChat(ChatTemplate template, DictionaryValue[] chat)
    {
        string without;
        try
        {
            without = template.Render(Input(chat, NoneValue.Instance)).Text;
        }
        catch (TemplateException)
        {
            return null;
        }

        try
        {
            return template.Render(Input(chat, SequenceValue.List([Tool()]))).Text != without;
        }
        catch (TemplateException)
        {
            // It reads them, and says what it does not like when it is asked.
            return true;
        }
    }

    private static ChatInput Input(DictionaryValue[] chat, TemplateValue tools) =>
        new(chat, tools, NoneValue.Instance, AddGenerationPrompt: true, ContinueFinalMessage: false, []);

    private static DictionaryValue Message(string role, string content) =>
        new([Entry("role", new TextValue(role)), Entry("content", new TextValue(content))]);

    private static DictionaryValue Tool() => new([
        Entry("type", new TextValue("function")),
        Entry("function", new DictionaryValue([
            Entry("name", new TextValue(Name)),
            Entry("description", new TextValue(Name)),
            Entry("parameters", new DictionaryValue([
                Entry("type", new TextValue("object")),
                Entry("properties", new DictionaryValue([
                    Entry("city", new DictionaryValue([
                        Entry("type", new TextValue("string")), Entry("description", new TextValue(Name))]))])),
                Entry("required", SequenceValue.List([new TextValue("city")]))]))]))]);

    private static KeyValuePair<TemplateValue, TemplateValue> Entry(string key, TemplateValue value) => new(new TextValue(key), value);
}
