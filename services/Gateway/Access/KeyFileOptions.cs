namespace Parley.Gateway.Access;

/// <summary>The keys' file as JSON: the same two sections as in the settings.</summary>
internal sealed class KeyFileOptions
{
    public IDictionary<string, ApiKeyOptions> Keys { get; } = new Dictionary<string, ApiKeyOptions>(StringComparer.OrdinalIgnoreCase);

    public IDictionary<string, LimitOptions> Limits { get; } = new Dictionary<string, LimitOptions>(StringComparer.OrdinalIgnoreCase);
}
