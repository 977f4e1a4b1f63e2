using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating;

/// <summary>Everything that a chat template can see.</summary>
/// <param name="Messages">The messages as dictionaries in the order of an OpenAI request.</param>
/// <param name="Tools">A list of tools, or None.</param>
/// <param name="Documents">A list of documents, or None.</param>
/// <param name="AddGenerationPrompt">Whether the template opens the answer.</param>
/// <param name="ContinueFinalMessage">Whether the text stops where the last message's content does.</param>
/// <param name="Arguments">Further variables; they win over the special tokens' names.</param>
internal sealed record ChatInput(
    IReadOnlyList<DictionaryValue> Messages,
    TemplateValue Tools,
    TemplateValue Documents,
    bool AddGenerationPrompt,
    bool ContinueFinalMessage,
    IReadOnlyList<KeyValuePair<string, TemplateValue>> Arguments);
