namespace Parley.ModelHub.Protocol;

/// <summary>A model that a search found.</summary>
/// <param name="Name"><c>org/name</c>.</param>
/// <param name="Downloads">In the last month, as the Hub counts.</param>
/// <param name="LastModified">ISO 8601.</param>
/// <param name="IsGguf">It holds GGUF files.</param>
public sealed record HubModel(string Name, long Downloads, string LastModified, bool IsGguf);
