namespace Parley.Gateway;

/// <summary>A caller's key as the settings and the keys' file have it.</summary>
public sealed class ApiKeyOptions
{
    /// <value>
    /// <c>sha256:</c> and 64 hexadecimal digits, as <c>parley key new</c> prints it; several after commas while a key is replaced.
    /// </value>
    public string Hash { get; set; } = "";

    /// <value>Name of the set of limits. Default <c>default</c>.</value>
    public string Limits { get; set; } = "";
}
