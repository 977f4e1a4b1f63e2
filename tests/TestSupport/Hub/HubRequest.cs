namespace Parley.TestSupport.Hub;

/// <summary>A request that the local Hub has seen.</summary>
/// <param name="Host">The host that was asked: <c>127.0.0.1</c> is the Hub, <c>localhost</c> the store of its large files.</param>
/// <param name="Path">Path without the query.</param>
/// <param name="Range">The Range header, or empty.</param>
/// <param name="Authorization">The Authorization header, or empty.</param>
public sealed record HubRequest(string Host, string Path, string Range, string Authorization)
{
    /// <summary>The query with its question mark, or empty.</summary>
    public string Query { get; init; } = "";

    public bool IsFile => Path.Contains("/resolve/", StringComparison.Ordinal) || Path.StartsWith("/store/", StringComparison.Ordinal);
}
