namespace Parley.Gateway.Responses.Patterns;

/// <summary>A pattern that cannot be read, or that costs more than it may.</summary>
internal sealed class PatternException(string message) : Exception(message);
