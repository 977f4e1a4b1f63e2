using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Parley.TestSupport;

/// <summary>
/// The table of docs/clients.md: a row a client, a column a feature. A cell is <c>yes</c> where a test shows it
/// (<see cref="ClientTestAttribute"/>), else the number of the note that says why there is none.
/// </summary>
public static partial class ClientTable
{
    private const string Shown = "yes";

    public static readonly IReadOnlyList<string> Features =
        ["answer", "stream", "tools", "schema", "reasoning", "cancel", "errors", "usage", "logprobs"];

    /// <summary>Where the tests of a row may stand.</summary>
    private static readonly string[] Projects = ["Gateway", "Client"];

    private static string Page => File.ReadAllText(Path.Combine(Shared.RepositoryRoot, "docs", "clients.md"));

    /// <summary>Holds the rows of an assembly's clients to its tests, and every row to the versions that are installed.</summary>
    /// <param name="tests">An assembly <c>Parley.X.Tests</c>.</param>
    public static void AssertTrue(Assembly tests)
    {
        var project = tests.GetName().Name!.Split('.')[^2];
        var rows = Rows();
        var shown = tests.GetTypes().SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance))
            .SelectMany(method => method.GetCustomAttributes<ClientTestAttribute>())
            .ToLookup(one => one.Client, one => one.Features);
        var faults = shown.Select(one => one.Key).Except(rows.Where(row => row.Project == project).Select(row => row.Client))
            .Select(client => $"{client} has tests in {project} and no row").ToList();
        foreach (var row in rows)
        {
            if (!Projects.Contains(row.Project))
                faults.Add($"{row.Client}: there are no tests of clients in {row.Project}");
            faults.AddRange(VersionFaults(row));
            if (row.Project == project)
                faults.AddRange(CellFaults(row, shown[row.Client].SelectMany(features => features).ToHashSet()));
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    private static List<Row> Rows()
    {
        var lines = Page.Split('\n');
        var head = Array.FindIndex(lines, line => line.StartsWith("| Client |", StringComparison.Ordinal));
        Assert.True(head >= 0, "docs/clients.md has no table of clients.");
        Assert.Equal(["Client", "Version", "Tests", .. Features], Cells(lines[head]));
        var rows = lines.Skip(head + 2).TakeWhile(line => line.StartsWith('|')).Select(Cells).ToList();
        Assert.NotEmpty(rows);
        return [.. rows.Select(cells => new Row(cells[0], cells[1].Split(", "), cells[2], cells[3..]))];
    }

    private static string[] Cells(string line) => [.. line.Trim('|', ' ').Split('|').Select(cell => cell.Trim())];

    private static IEnumerable<string> CellFaults(Row row, HashSet<string> shown)
    {
        foreach (var feature in shown.Except(Features))
            yield return $"{row.Client}: '{feature}' is no column";
        for (var index = 0; index < Features.Count; index++)
        {
            var (feature, cell) = (Features[index], row.Cells[index]);
            if (shown.Contains(feature) != (cell == Shown))
                yield return $"{row.Client}, {feature}: {(shown.Contains(feature) ? "a" : "no")} test shows it, and the cell is '{cell}'";
            else if (cell != Shown && !IsNote(cell))
                yield return $"{row.Client}, {feature}: '{cell}' is no note";
        }
    }

    private static bool IsNote(string cell) =>
        int.TryParse(cell, out var number) && Page.Contains($"\n{number}. ", StringComparison.Ordinal);

    /// <summary>Each version is <c>package version</c>, as the build or the lock of the npm packages has it; ours have none.</summary>
    private static IEnumerable<string> VersionFaults(Row row)
    {
        foreach (var version in row.Versions.Where(version => version != "ours"))
        {
            var parts = version.Split(' ');
            var installed = Installed.Value.GetValueOrDefault(parts[0], "nothing");
            if (parts.Length != 2 || installed != parts[1])
                yield return $"{row.Client}: '{version}' is not what is installed ({installed})";
        }
    }

    private static readonly Lazy<Dictionary<string, string>> Installed = new(() =>
    {
        var central = File.ReadAllText(Path.Combine(Shared.RepositoryRoot, "Directory.Packages.props"));
        var versions = CentralVersion().Matches(central).ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value);
        var npm = Path.Combine(Shared.RepositoryRoot, "tests", "TestSupport", "Npm", "Clients", "package.json");
        using var json = JsonDocument.Parse(File.ReadAllText(npm));
        foreach (var package in json.RootElement.GetProperty("dependencies").EnumerateObject())
            versions.Add($"npm:{package.Name}", package.Value.GetString()!);
        return versions;
    });

    private sealed record Row(string Client, string[] Versions, string Project, string[] Cells);

    [GeneratedRegex("PackageVersion Include=\"([^\"]+)\" Version=\"([^\"]+)\"")]
    private static partial Regex CentralVersion();
}
