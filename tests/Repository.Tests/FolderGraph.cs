using System.Text.RegularExpressions;

namespace Parley.Repository.Tests;

/// <summary>
/// Which folder of a project needs which other, read from the sources. A using needs the folder of its namespace (an unnecessary one does
/// not build); a folder inside another sees the outer one's types without a using, so there a type's name in the code is what counts.
/// Files at a project's root cut across and are left out.
/// </summary>
internal sealed partial class FolderGraph
{
    private readonly Dictionary<string, SortedSet<string>> _needs = new(StringComparer.Ordinal);

    /// <param name="project">The project's folder from the repository's root, e.g. <c>services/Gateway</c>.</param>
    /// <param name="files">Its sources.</param>
    public FolderGraph(string project, IReadOnlyCollection<SourceFile> files)
    {
        var types = files.ToLookup(file => FolderOf(project, file), file => System.IO.Path.GetFileNameWithoutExtension(file.Path));
        var folders = files.GroupBy(NamespaceOf).ToDictionary(group => group.Key, group => FolderOf(project, group.First()));
        foreach (var file in files)
        {
            var folder = FolderOf(project, file);
            foreach (var line in file.Lines)
            {
                if (Using().Match(line) is { Success: true } match && folders.TryGetValue(match.Groups[1].Value, out var used))
                    Add(folder, used);
            }

            var words = Words(file);
            for (var outer = Outer(folder); outer.Length > 0; outer = Outer(outer))
            {
                if (types[outer].Any(words.Contains))
                    Add(folder, outer);
            }
        }
    }

    /// <summary>Every arrow between two folders that lies on a circle, as <c>From -> To</c>, in order.</summary>
    public IReadOnlyList<string> CircularArrows() =>
        [.. _needs.SelectMany(from => from.Value.Where(to => Reaches(to, from.Key)).Select(to => $"{from.Key} -> {to}"))
            .Order(StringComparer.Ordinal)];

    private void Add(string from, string to)
    {
        if (from.Length == 0 || to.Length == 0 || from == to)
            return;
        if (!_needs.TryGetValue(from, out var needs))
            _needs[from] = needs = new SortedSet<string>(StringComparer.Ordinal);
        needs.Add(to);
    }

    private bool Reaches(string from, string to)
    {
        var (seen, open) = (new HashSet<string>(StringComparer.Ordinal) { from }, new Stack<string>([from]));
        while (open.TryPop(out var folder))
        {
            if (folder == to)
                return true;
            foreach (var next in _needs.GetValueOrDefault(folder, []).Where(seen.Add))
                open.Push(next);
        }

        return false;
    }

    private static string FolderOf(string project, SourceFile file) =>
        file.Path[project.Length..file.Path.LastIndexOf('/')].TrimStart('/');

    private static string Outer(string folder) => folder.Contains('/', StringComparison.Ordinal) ? folder[..folder.LastIndexOf('/')] : "";

    private static string NamespaceOf(SourceFile file) =>
        file.Lines.Select(line => Namespace().Match(line)).FirstOrDefault(match => match.Success)?.Groups[1].Value ?? "";

    private static HashSet<string> Words(SourceFile file) =>
        [.. file.Lines.Select(line => NotCode().Replace(line, "")).SelectMany(line => Word().Matches(line)).Select(match => match.Value)];

    [GeneratedRegex(@"^using (?:static )?([\w.]+);")]
    private static partial Regex Using();

    [GeneratedRegex(@"^namespace ([\w.]+);")]
    private static partial Regex Namespace();

    [GeneratedRegex("""
        "(\\.|[^"\\])*"|//.*
        """)]
    private static partial Regex NotCode();

    [GeneratedRegex(@"\b[A-Z]\w*\b")]
    private static partial Regex Word();
}
