using System.Text.Json;
using SharpCompress.Compressors.Xz;

namespace Parley.Generator.Tests.Guides;

/// <summary>A schema with instances that meet it or do not.</summary>
/// <param name="Name">What the case is called.</param>
/// <param name="Group">The split or file that it belongs to.</param>
/// <param name="Schema">The schema.</param>
/// <param name="Instances">Values as JSON, each with whether it is valid, and what it is about.</param>
internal sealed record GuideCase(string Name, string Group, string Schema,
    IReadOnlyList<(string Data, bool IsValid, string About)> Instances)
{
    /// <summary>Real schemas: one a line.</summary>
    public static IEnumerable<GuideCase> Maskbench(string path)
    {
        using var reader = new StreamReader(new XZStream(File.OpenRead(path)));
        while (reader.ReadLine() is { } line)
        {
            using var document = JsonDocument.Parse(line);
            var root = document.RootElement;
            yield return Read(root.GetProperty("name").GetString()!, root.GetProperty("split").GetString()!, root);
        }
    }

    /// <summary>The specification's suite: groups by file.</summary>
    public static IEnumerable<GuideCase> Suite(string path)
    {
        using var document = JsonDocument.Parse(new XZStream(File.OpenRead(path)));
        foreach (var file in document.RootElement.EnumerateObject())
        {
            foreach (var group in file.Value.EnumerateArray())
                yield return Read(group.GetProperty("description").GetString()!, file.Name, group);
        }
    }

    private static GuideCase Read(string name, string group, JsonElement from) => new(
        name, group, from.GetProperty("schema").GetRawText(),
        [
            .. from.GetProperty("tests").EnumerateArray().Select(test => (
                test.GetProperty("data").GetRawText(), test.GetProperty("valid").GetBoolean(),
                test.TryGetProperty("description", out var about) ? about.GetString()! : ""))
        ]);
}
