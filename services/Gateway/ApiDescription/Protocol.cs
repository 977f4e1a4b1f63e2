namespace Parley.Gateway.ApiDescription;

/// <summary>Whose shape the errors of a route have.</summary>
internal enum Protocol
{
    /// <summary>Of a file or a state: there is none.</summary>
    None,
    OpenAi,
    Anthropic,
    Ollama,
}
