namespace Parley.Gateway.Tests;

/// <summary>The table of fields of a page: a field a row, and a cell for each of what may become of it.</summary>
internal static class FieldTable
{
    private static readonly string[] Kinds = ["honoured", "silent", "refused"];

    /// <summary>The fields by what may become of them, in order; a cell with <c>–</c> is none.</summary>
    /// <param name="path">Of the page, whose table has the head <c>| Field | Honoured | Accepted silently | Refused by name |</c>.</param>
    public static Dictionary<string, string[]> Read(string path)
    {
        var rows = File.ReadLines(path).SkipWhile(line => !line.StartsWith("| Field | Honoured |", StringComparison.Ordinal)).Skip(2)
            .TakeWhile(line => line.StartsWith('|'))
            .Select(line => line.Trim('|').Split('|').Select(cell => cell.Trim()).ToArray()).ToArray();
        Assert.NotEmpty(rows);
        return Kinds.Select((kind, index) => (kind, Fields: rows.Where(row => row[index + 1] != "–").SelectMany(row => Names(row[0]))
            .Order(StringComparer.Ordinal).ToArray())).ToDictionary(one => one.kind, one => one.Fields);
    }

    private static IEnumerable<string> Names(string cell) => cell.Split(", ").Select(name => name.Trim('`'));
}
