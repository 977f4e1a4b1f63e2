using System.Text.RegularExpressions;
using Parley.TestSupport;

namespace Parley.Gateway.Tests.OpenAi;

/// <summary>The rows of docs/openai.md.</summary>
internal static partial class FieldTable
{
    /// <summary>What becomes of each field of a route.</summary>
    public static Dictionary<string, string> Read(string route)
    {
        var rows = new Dictionary<string, string>();
        var text = File.ReadAllText(Path.Combine(Shared.RepositoryRoot, "docs", "openai.md"));
        var section = text.Split("\n## ").Single(part => part.StartsWith($"POST {route}\n", StringComparison.Ordinal));
        foreach (Match row in Row().Matches(section))
            rows.Add(row.Groups[1].Value, row.Groups[2].Value);
        return rows;
    }

    [GeneratedRegex(@"^\| `([\w.]+)` \| (\w+) \|", RegexOptions.Multiline)]
    private static partial Regex Row();
}
