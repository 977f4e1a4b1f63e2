using Parley.Tokenizer.Templating.Evaluation;
using Parley.Tokenizer.Templating.Syntax;
using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating;

/// <summary>A chat template: parsed once, rendered for every chat, equal to transformers' <c>apply_chat_template</c>.</summary>
internal sealed class ChatTemplate
{
    private const string ContinueTag = "CONTINUE_FINAL_MESSAGE_TAG ";
    private const int CharactersSpare = 256;
    private const int CharactersExpectedMax = 1 << 15;

    private readonly string _source;
    private readonly IReadOnlyList<TemplateStatement> _statements;
    private readonly TemplateLimits _limits;

    // What is the same for every chat: functions, then special tokens, which may hide one. Never set again.
    private readonly TemplateScope _constants = new(null);

    // How long the last text was, as a guess at the next.
    private int _charactersExpected = 1024;

    /// <param name="source">The template's text.</param>
    /// <param name="specialTokens">Name and text of each special token, e.g. <c>bos_token</c>.</param>
    /// <param name="clock">What <c>strftime_now</c> reads.</param>
    /// <param name="limits">Bounds on steps, depth and output.</param>
    /// <exception cref="TemplateException">The template is not valid.</exception>
    public ChatTemplate(
        string source, IReadOnlyList<KeyValuePair<string, string>> specialTokens, TimeProvider clock, TemplateLimits limits)
    {
        _source = source;
        _statements = TemplateParser.Parse(source, limits.DepthMax);
        KnownNames.Check(_statements);
        _limits = limits;
        Globals.Define(_constants, clock);
        foreach (var (name, token) in specialTokens)
            _constants.Set(name, new TextValue(token));
        Texts = [.. TemplateTree.Walk(_statements).Select(node => node.Part switch
        {
            TemplateStatement.Data data => data.Text.Text,
            TemplateExpression.Constant { Value: TextValue text } => text.Text,
            _ => null,
        }).OfType<string>()];
        ReadsTools = ToolProbe.Changes(this, TemplateTree.Uses(_statements, "tools"));
    }

    /// <summary>The texts that it is made of: what it writes as it stands, and every string in its expressions.</summary>
    public IReadOnlyList<string> Texts { get; }

    /// <summary>Whether tools change what it writes.</summary>
    public bool ReadsTools { get; }

    /// <summary>Writes a chat as the model reads it.</summary>
    /// <exception cref="TemplateException">The template refused the chat, failed, or reached a limit.</exception>
    public RenderedChat Render(ChatInput chat)
    {
        var scope = new TemplateScope(_constants);
        IReadOnlyList<TemplateValue> messages = chat.ContinueFinalMessage ? WithTag(chat.Messages) : [.. chat.Messages];
        scope.Set("messages", SequenceValue.List(messages));
        scope.Set("tools", chat.Tools);
        scope.Set("documents", chat.Documents);
        scope.Set("add_generation_prompt", TemplateValue.Of(chat.AddGenerationPrompt));
        foreach (var (name, value) in chat.Arguments)
            scope.Set(name, value);
        var text = TemplateEvaluator.Run(_statements, new TemplateScope(scope), _limits, _charactersExpected);
        _charactersExpected = Math.Min(text.Text.Length + CharactersSpare, CharactersExpectedMax);
        if (chat.ContinueFinalMessage)
            text = CutAtTag(text, FinalText(chat.Messages[^1]));
        return new RenderedChat(text.Text, text.User);
    }

    private List<TemplateValue> WithTag(IReadOnlyList<DictionaryValue> messages)
    {
        var last = messages[^1];
        var key = new TextValue("content");
        if (!last.TryGet(key, out var content) || content is NoneValue)
            throw TemplateException.Value("continue_final_message is set but the final message has no \"content\" to continue!");
        if (!_source.Contains("content", StringComparison.Ordinal))
            throw TemplateException.Value("continue_final_message is set but the template does not read \"content\".");
        TemplateValue tagged = content switch
        {
            TextValue text => Tagged(text),
            SequenceValue parts => TaggedParts(parts),
            _ => throw TemplateException.Value("continue_final_message is set but the final message's content is no text."),
        };
        return [.. messages.Take(messages.Count - 1), new DictionaryValue([.. last.Entries, new(key, tagged)])];
    }

    private static TextValue Tagged(TextValue text) => new TextBuilder(PythonText.CharactersMax).Append(text).Append(ContinueTag).ToValue();

    private static SequenceValue TaggedParts(SequenceValue parts)
    {
        var key = new TextValue("text");
        var items = parts.Items.ToList();
        var at = items.FindLastIndex(item => item is DictionaryValue part && part.TryGet(key, out var text) && text is TextValue);
        if (at < 0)
            throw TemplateException.Value("continue_final_message is set but the final message has no text to continue!");
        var last = (DictionaryValue)items[at];
        last.TryGet(key, out var value);
        items[at] = new DictionaryValue([.. last.Entries, new(key, Tagged((TextValue)value))]);
        return SequenceValue.List(items);
    }

    // What the answer continues: the content, or its last text part.
    private static string FinalText(DictionaryValue message)
    {
        message.TryGet(new TextValue("content"), out var content);
        var last = content is SequenceValue parts
            ? parts.Items.OfType<DictionaryValue>().Select(part => part.TryGet(new TextValue("text"), out var text) ? text : null)
                .Last(text => text is TextValue)
            : content;
        return PythonCharacter.Trim(((TextValue)last!).Text);
    }

    private static TextValue CutAtTag(TextValue text, string continued)
    {
        var at = text.Text.LastIndexOf(ContinueTag.TrimEnd(), StringComparison.Ordinal);
        if (at < 0 || !text.Text.Contains(continued, StringComparison.Ordinal))
        {
            throw TemplateException.Value("continue_final_message is set but the final message does not appear in the chat after "
                + "applying the chat template.");
        }

        var head = text.Part(0, at);
        // Without the tag's own space the template trims its messages, so the text before it is trimmed as well.
        return text.Text.AsSpan(at).StartsWith(ContinueTag) ? head : TextMethods.Strip(head, null, left: false);
    }
}
