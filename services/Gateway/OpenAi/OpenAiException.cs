namespace Parley.Gateway.OpenAi;

/// <summary>A request that this edge refuses before the pipeline sees it.</summary>
internal sealed class OpenAiException(OpenAiError error) : Exception(error.Message)
{
    public OpenAiError Error { get; } = error;
}
