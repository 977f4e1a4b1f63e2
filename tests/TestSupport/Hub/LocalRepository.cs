using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Parley.TestSupport.Hub;

/// <summary>A repository of the local Hub at one commit.</summary>
public sealed class LocalRepository(string commit)
{
    public string Commit => commit;

    /// <summary>What a search says of it.</summary>
    public long Downloads { get; set; }

    public SortedDictionary<string, (byte[] Bytes, bool IsLarge)> Files { get; } = new(StringComparer.Ordinal);

    /// <summary>Entries of the listing that are no files of ours: what a hostile server might add.</summary>
    public List<string> ListedBeside { get; } = [];

    public LocalRepository With(string path, byte[] bytes, bool isLarge = false)
    {
        Files[path] = (bytes, isLarge);
        return this;
    }

    public LocalRepository With(string path, string text) => With(path, Encoding.UTF8.GetBytes(text));

    public static string GitId(byte[] bytes)
    {
        byte[] header = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"blob {bytes.Length}\0"));
        return Convert.ToHexStringLower(SHA1.HashData([.. header, .. bytes]));
    }

    public static string Sha256(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    /// <summary>The tree as the Hub lists it.</summary>
    public string Tree()
    {
        var entries = Files.Select(file => file.Value.IsLarge
            ? $$$"""
                {"type":"file","path":"{{{file.Key}}}","size":{{{file.Value.Bytes.Length}}},
                 "oid":"{{{GitId(Encoding.UTF8.GetBytes(file.Key))}}}",
                 "lfs":{"oid":"{{{Sha256(file.Value.Bytes)}}}","size":{{{file.Value.Bytes.Length}}},"pointerSize":134}}
                """
            : $$"""
                {"type":"file","path":"{{file.Key}}","size":{{file.Value.Bytes.Length}},"oid":"{{GitId(file.Value.Bytes)}}"}
                """);
        const string Folder = """{"type":"directory","path":"docs","size":0,"oid":""}""";
        return "[" + string.Join(',', entries.Concat(ListedBeside).Prepend(Folder)) + "]";
    }
}
