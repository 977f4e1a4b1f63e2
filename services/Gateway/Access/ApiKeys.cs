using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace Parley.Gateway.Access;

/// <summary>The keys that callers may send. Only their hashes are kept, and every one is compared, in constant time.</summary>
internal sealed class ApiKeys(IOptions<GatewayOptions> options)
{
    /// <summary>Where the key comes from when <c>Gateway:ApiKey</c> is not set.</summary>
    public const string Variable = "PARLEY_API_KEY";

    private const int CharactersMax = 512;
    private const string Scheme = "Bearer ";

    private readonly byte[][] _hashes = HashesOf(options.Value);

    /// <summary>Whether callers need a key at all.</summary>
    public bool AreNeeded => _hashes.Length > 0;

    /// <summary>Whether the value of an Authorization header holds one of the keys.</summary>
    public bool Accept(string? authorization)
    {
        if (authorization is null || !authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            return false;
        var given = Hash(authorization[Scheme.Length..].Trim());
        var found = false;
        foreach (var hash in _hashes)
            found |= CryptographicOperations.FixedTimeEquals(hash, given);
        return found;
    }

    /// <summary>The keys of the options and their file; what is wrong with them goes to the faults, which never show a key.</summary>
    public static IReadOnlyList<string> Read(GatewayOptions options, List<string> faults)
    {
        var keys = new List<string>();
        if (options.ApiKey.Length > 0)
            Add("Gateway:ApiKey", options.ApiKey, keys, faults);
        if (options.ApiKeyFile.Length == 0)
            return keys;
        // A secret that was not mounted leaves a folder of its name, or nothing.
        if (Directory.Exists(options.ApiKeyFile))
        {
            faults.Add($"Gateway:ApiKeyFile: {options.ApiKeyFile} is a folder; name the file in it that holds the keys.");
            return keys;
        }

        try
        {
            var (before, lines) = (keys.Count, File.ReadAllLines(options.ApiKeyFile));
            for (var i = 0; i < lines.Length; i++)
            {
                if (lines[i].Trim() is { Length: > 0 } line && line[0] != '#')
                    Add($"Gateway:ApiKeyFile: line {i + 1} of {options.ApiKeyFile}", line, keys, faults);
            }

            if (keys.Count == before && faults.Count == 0)
                faults.Add($"Gateway:ApiKeyFile: {options.ApiKeyFile} holds no key; write one a line, or leave the setting out.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            faults.Add($"Gateway:ApiKeyFile: {options.ApiKeyFile} cannot be read: {exception.Message}");
        }

        return keys;
    }

    /// <exception cref="OptionsValidationException">A key cannot be read: fewer keys than meant would be an open door.</exception>
    private static byte[][] HashesOf(GatewayOptions options)
    {
        var faults = new List<string>();
        byte[][] hashes = [.. Read(options, faults).Select(Hash)];
        return faults.Count == 0 ? hashes : throw new OptionsValidationException(GatewayOptions.Section, typeof(GatewayOptions), faults);
    }

    private static void Add(string place, string key, List<string> keys, List<string> faults)
    {
        if (key.Length > CharactersMax)
            faults.Add($"{place} has {key.Length} characters; a key has at most {CharactersMax}.");
        else if (key.Any(letter => letter is <= ' ' or > '~'))
            faults.Add($"{place} holds a blank or a character that a header cannot carry; a key is printable ASCII without blanks.");
        else
            keys.Add(key);
    }

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
