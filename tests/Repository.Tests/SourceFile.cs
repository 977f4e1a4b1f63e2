using Parley.TestSupport;

namespace Parley.Repository.Tests;

/// <summary>A source file of this checkout.</summary>
/// <param name="Path">Path from the repository's root, with forward slashes.</param>
/// <param name="Lines">Its lines.</param>
public sealed record SourceFile(string Path, string[] Lines)
{
    private static readonly string[] Roots = ["protos", "services", "tools", "tests", "clients", "samples", "k8s"];

    /// <summary>Files with one of the extensions, build outputs left out.</summary>
    public static IReadOnlyList<SourceFile> All(params string[] extensions) =>
        [.. Roots.Select(root => System.IO.Path.Combine(Shared.RepositoryRoot, root))
            .Where(Directory.Exists)
            .SelectMany(root => Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories))
            .Where(path => extensions.Contains(System.IO.Path.GetExtension(path)))
            .Select(path => (Full: path, Relative: System.IO.Path.GetRelativePath(Shared.RepositoryRoot, path).Replace('\\', '/')))
            .Where(path => !path.Relative.Split('/').Any(part => part is "bin" or "obj" or "artifacts" or "node_modules"))
            .Select(path => new SourceFile(path.Relative, File.ReadAllLines(path.Full)))
            .OrderBy(file => file.Path, StringComparer.Ordinal)];

    public override string ToString() => Path;
}
