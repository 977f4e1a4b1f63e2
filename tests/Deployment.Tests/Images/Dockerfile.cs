using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Parley.TestSupport;

namespace Parley.Deployment.Tests.Images;

/// <summary>A Dockerfile, instruction by instruction.</summary>
internal sealed partial class Dockerfile
{
    private Dockerfile(string path, IReadOnlyList<Instruction> instructions) => (Path, Instructions) = (path, instructions);

    /// <summary>Its path in the repository.</summary>
    public string Path { get; }

    public IReadOnlyList<Instruction> Instructions { get; }

    /// <summary>The name of what it makes, as its title says: gateway, generator-cuda.</summary>
    public string Image => TitleLabel().Match(Final.Single(one => one.Name == "LABEL").Arguments).Groups[1].Value;

    /// <summary>The project that is published.</summary>
    public string Project => Runs("build").Select(run => PublishedProject().Match(run)).Single(match => match.Success).Groups[1].Value;

    public IReadOnlyList<Instruction> Final => Stage("final");

    public static IReadOnlyList<Dockerfile> All() =>
    [
        .. new[] { "services", "tools" }
            .SelectMany(root => Directory.EnumerateFiles(
                System.IO.Path.Combine(Shared.RepositoryRoot, root), "*Dockerfile", SearchOption.AllDirectories))
            .Select(path => System.IO.Path.GetRelativePath(Shared.RepositoryRoot, path).Replace('\\', '/'))
            .Order(StringComparer.Ordinal).Select(Read),
    ];

    public static Dockerfile Read(string path)
    {
        var instructions = new List<Instruction>();
        var stage = "";
        var pending = new StringBuilder();
        var lines = File.ReadAllLines(System.IO.Path.Combine(Shared.RepositoryRoot, path));
        foreach (var line in lines.Where(line => line.Length > 0 && line[0] != '#'))
        {
            pending.Append(line.TrimEnd('\\').Trim(' ')).Append(' ');
            if (line.EndsWith('\\'))
                continue;
            var text = pending.ToString().Trim();
            pending.Clear();
            var (name, arguments) = text.Split(' ', 2) is [var first, var rest] ? (first, rest) : (text, "");
            if (name == "FROM")
                stage = StageName().Match(arguments) is { Success: true } match ? match.Groups[1].Value : "";
            instructions.Add(new Instruction(stage, name, arguments));
        }

        return new Dockerfile(path, instructions);
    }

    public IReadOnlyList<Instruction> Stage(string name) => [.. Instructions.Where(one => one.Stage == name)];

    /// <summary>What a stage runs.</summary>
    public IEnumerable<string> Runs(string stage) => Stage(stage).Where(one => one.Name == "RUN").Select(one => one.Arguments);

    /// <summary>What a stage copies of the context, with where to.</summary>
    public IEnumerable<(string Source, string Destination)> Copies(string stage) =>
        Stage(stage).Where(one => one.Name == "COPY" && !one.Arguments.StartsWith("--", StringComparison.Ordinal))
            .Select(one => one.Arguments.Split(' ')).SelectMany(parts => parts[..^1].Select(source => (source, parts[^1])));

    /// <summary>The default of a build argument.</summary>
    public string Argument(string name) =>
        Instructions.First(one => one.Name == "ARG" && one.Arguments.StartsWith(name + "=", StringComparison.Ordinal))
            .Arguments[(name.Length + 1)..];

    /// <summary>The variables of the final stage.</summary>
    public IReadOnlyDictionary<string, string> Variables => Final.Where(one => one.Name == "ENV")
        .SelectMany(one => one.Arguments.Split(' ')).Where(pair => pair.Length > 0)
        .Select(pair => pair.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);

    public string[] EntryPoint => JsonSerializer.Deserialize<string[]>(Final.Single(one => one.Name == "ENTRYPOINT").Arguments)!;

    public override string ToString() => Path;

    /// <summary>One instruction.</summary>
    /// <param name="Stage">The stage it belongs to; empty before the first.</param>
    /// <param name="Name">E.g. COPY.</param>
    /// <param name="Arguments">The rest, on one line.</param>
    internal sealed record Instruction(string Stage, string Name, string Arguments);

    [GeneratedRegex(@"\bAS (\w+)$")]
    private static partial Regex StageName();

    [GeneratedRegex("image\\.title=\"parley-([a-z-]+)\"")]
    private static partial Regex TitleLabel();

    [GeneratedRegex(@"dotnet publish (\S+) ")]
    private static partial Regex PublishedProject();
}
