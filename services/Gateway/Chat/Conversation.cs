namespace Parley.Gateway.Chat;

/// <summary>Everything that a chat template can see.</summary>
internal sealed record Conversation
{
    public required IReadOnlyList<ChatMessage> Messages { get; init; }

    /// <summary>Each tool as one JSON object.</summary>
    public IReadOnlyList<string> ToolsJson { get; init; } = [];

    /// <summary>Each document as one JSON object.</summary>
    public IReadOnlyList<string> DocumentsJson { get; init; } = [];

    /// <summary>Templates see an empty list of tools instead of none.</summary>
    public bool EmptyToolsList { get; init; }

    /// <summary>Templates see an empty list of documents instead of none.</summary>
    public bool EmptyDocumentsList { get; init; }

    /// <summary>Null means true, unless the last message is continued.</summary>
    public bool? AddGenerationPrompt { get; init; }

    public bool ContinueFinalMessage { get; init; }

    /// <summary>Further template variables as one JSON object, or empty.</summary>
    public string TemplateArgumentsJson { get; init; } = "";

    /// <summary>Empty is the default template.</summary>
    public string TemplateName { get; init; } = "";

    public SpecialTokenTreatment SpecialTokensInContent { get; init; }
}
