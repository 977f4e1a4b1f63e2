namespace Parley.Generator.Guides.Limits;

/// <summary>A guide that is not taken: something that it asks for is not supported, contradicts itself, or goes beyond a limit.</summary>
/// <param name="place">What is at fault: a JSON pointer, or line and column of a grammar; empty for the whole.</param>
/// <param name="message">What is wrong, for the client.</param>
internal sealed class GuideException(string place, string message) : Exception(message)
{
    /// <summary>Where it is wrong: a JSON pointer, line and column of a grammar, or empty.</summary>
    public string Place { get; } = place;
}
