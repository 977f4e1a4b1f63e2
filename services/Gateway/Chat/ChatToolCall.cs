namespace Parley.Gateway.Chat;

/// <summary>A tool that an earlier assistant message called.</summary>
/// <param name="Id">Opaque; a tool message answers it by this id.</param>
/// <param name="Name">The function.</param>
/// <param name="ArgumentsJson">Its arguments as a JSON object; what is none is read as an empty one.</param>
internal sealed record ChatToolCall(string Id, string Name, string ArgumentsJson);
