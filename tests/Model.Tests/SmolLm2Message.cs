namespace Parley.Model.Tests;

/// <summary>A message of a conversation.</summary>
public sealed record SmolLm2Message(string Role, string Content);
