using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using System.Text.RegularExpressions;

namespace Parley.Gateway.Tests.ApiDescription;

/// <summary>
/// Every text of the Gateway's own code that could be the name of a field: what a reader compares names with is among them.
/// </summary>
internal static partial class FieldWords
{
    public static IReadOnlyList<string> All { get; } =
        [.. Read().Where(word => Word().IsMatch(word)).Distinct().Order(StringComparer.Ordinal)];

    private static List<string> Read()
    {
        using var file = new PEReader(File.OpenRead(typeof(GatewayOptions).Assembly.Location));
        var metadata = file.GetMetadataReader();
        var words = new List<string>();
        for (var handle = MetadataTokens.UserStringHandle(0); ;)
        {
            words.Add(metadata.GetUserString(handle));
            handle = metadata.GetNextHandle(handle);
            if (handle.IsNil)
                return words;
        }
    }

    [GeneratedRegex("^[A-Za-z_][A-Za-z0-9_]{0,47}$")]
    private static partial Regex Word();
}
