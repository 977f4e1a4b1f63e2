namespace Parley.Gateway.Ollama;

/// <summary>A model that could not be fetched; the message is for the caller.</summary>
public sealed class ModelPullException : Exception
{
    public ModelPullException()
    {
    }

    public ModelPullException(string message)
        : base(message)
    {
    }

    public ModelPullException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
