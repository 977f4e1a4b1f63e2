using Parley.Tokenizer.Encoders;
using Parley.Tokenizer.Templating;
using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer;

/// <summary>Looks for special tokens in what a request supplies, for callers that want them refused.</summary>
internal static class SpecialTokenSearch
{
    /// <summary>One fault for each message, tool, document and argument that holds a special token.</summary>
    public static IReadOnlyList<RequestException> Find(HuggingFaceTokenizer tokenizer, ChatInput chat)
    {
        var faults = new List<RequestException>();
        for (var i = 0; i < chat.Messages.Count; i++)
            Check(chat.Messages[i], $"chat.messages[{i}]");
        CheckList(chat.Tools, "chat.tools_json");
        CheckList(chat.Documents, "chat.documents_json");
        foreach (var (name, value) in chat.Arguments)
            Check(value, $"chat.template_arguments_json.{name}");
        return faults;

        void CheckList(TemplateValue list, string place)
        {
            if (list is not SequenceValue { Items: var items })
                return;
            for (var i = 0; i < items.Count; i++)
                Check(items[i], $"{place}[{i}]");
        }

        void Check(TemplateValue value, string place)
        {
            if (First(tokenizer, value) is { } token)
                faults.Add(new RequestException(place, $"The text holds the special token {token}, which this request does not allow."));
        }
    }

    private static string? First(HuggingFaceTokenizer tokenizer, TemplateValue value) => value switch
    {
        TextValue text => tokenizer.FindSpecialToken(text.Text),
        SequenceValue sequence => sequence.Items.Select(item => First(tokenizer, item)).FirstOrDefault(token => token is not null),
        DictionaryValue dictionary => dictionary.Entries.SelectMany(entry => (TemplateValue[])[entry.Key, entry.Value])
            .Select(item => First(tokenizer, item)).FirstOrDefault(token => token is not null),
        _ => null,
    };
}
