namespace Parley.Gateway.Responses.Values;

/// <summary>A region of an answer that is not what its field says, or a description of answers that is none.</summary>
internal sealed class ResponseFormatException(string message, Exception? inner = null) : Exception(message, inner);
