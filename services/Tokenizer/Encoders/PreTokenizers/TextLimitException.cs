namespace Parley.Tokenizer.Encoders.PreTokenizers;

/// <summary>A text on which the model's own rules take too long, or out of which they make too much.</summary>
internal sealed class TextLimitException(string message) : Exception(message);
