namespace Parley.Gateway.Upstream;

/// <summary>What the Tokenizer has loaded.</summary>
/// <param name="Model">Served name.</param>
/// <param name="TokenizerSha256">What pairs it with a Generator.</param>
/// <param name="HasChatTemplate">Whether it has any template.</param>
/// <param name="ToolTemplates">Names of the templates that read tools; the empty name is what is used where none is named.</param>
internal sealed record TokenizerDescription(
    string Model, string TokenizerSha256, bool HasChatTemplate, IReadOnlyCollection<string> ToolTemplates)
{
    /// <summary>How an answer becomes a message, as the model describes it (JSON), or empty.</summary>
    public string ResponseTemplateJson { get; init; } = "";

    /// <summary>The source of its chat template, or empty.</summary>
    public string ChatTemplate { get; init; } = "";

    /// <summary>Whether tools reach the prompt under a template.</summary>
    public bool ReadsTools(string templateName) => ToolTemplates.Contains(templateName);
}
