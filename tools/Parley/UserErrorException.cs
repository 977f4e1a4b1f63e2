namespace Parley.Cli;

/// <summary>A fault of the input: its message is all that the user needs, so it is printed without a stack.</summary>
internal sealed class UserErrorException(string message) : Exception(message);
