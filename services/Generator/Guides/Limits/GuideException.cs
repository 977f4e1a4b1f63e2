namespace Parley.Generator.Guides.Limits;

/// <summary>A guide that is not taken: something that it asks for is not supported, contradicts itself, or goes beyond a limit.</summary>
/// <param name="place">JSON pointer into the schema (or a position of a pattern) that is at fault; empty for the whole.</param>
/// <param name="message">What is wrong, for the client.</param>
internal sealed class GuideException(string place, string message) : Exception(message)
{
    /// <summary>Where it is wrong: a JSON pointer into the schema, or empty.</summary>
    public string Place { get; } = place;
}
