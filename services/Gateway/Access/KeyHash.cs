using System.Security.Cryptography;
using System.Text;

namespace Parley.Gateway.Access;

/// <summary>
/// A key and what is kept of it. Ours have 256 random bits, which nobody guesses however fast the hash is, and no table holds: so it is one
/// round of SHA-256 without a salt, as <c>sha256sum</c> makes it, and a request costs one hash however many keys there are.
/// </summary>
public static class KeyHash
{
    /// <summary>Begins every key that we make, for people and for scanners of leaked secrets.</summary>
    public const string KeyPrefix = "parley_";

    /// <summary>Begins every hash.</summary>
    public const string Prefix = "sha256:";

    /// <summary>Characters of the longest key.</summary>
    public const int KeyCharactersMax = 512;

    private const int RandomBytes = 32;

    /// <summary>A new key: <c>parley_</c> and 64 hexadecimal digits from the system's generator.</summary>
    public static string NewKey() => KeyPrefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(RandomBytes));

    /// <summary>What is stored of a key.</summary>
    public static string Of(string key) => Prefix + Convert.ToHexStringLower(BytesOf(key));

    /// <summary>Why a text can be no key, without showing it; null where it can be one.</summary>
    public static string? Fault(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return key.Length > KeyCharactersMax ? $"has {key.Length} characters; a key has at most {KeyCharactersMax}"
            : key.Any(letter => letter is <= ' ' or > '~')
                ? "holds a blank or a character that a header cannot carry; a key is printable ASCII without blanks"
                : null;
    }

    /// <summary>Why a name cannot be a caller's; null where it can.</summary>
    public static string? NameFault(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.Length is 0 or > 64 || !name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.')
            ? "is no name of a caller: up to 64 letters, digits, '-', '_' and '.'"
            : name.ToUpperInvariant() is "ANONYMOUS" or "UNNAMED" or "OTHER" or "NONE" ? "is a name that metrics use otherwise" : null;
    }

    internal static byte[] BytesOf(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    /// <summary>The 32 bytes of a hash as it is stored; null where the text is none.</summary>
    internal static byte[]? Parse(string text) =>
        text.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) && text.Length == Prefix.Length + (2 * SHA256.HashSizeInBytes)
        && text.AsSpan(Prefix.Length).IndexOfAnyExcept(Hexadecimal) < 0
            ? Convert.FromHexString(text.AsSpan(Prefix.Length))
            : null;

    private static readonly System.Buffers.SearchValues<char> Hexadecimal = System.Buffers.SearchValues.Create("0123456789abcdefABCDEF");
}
