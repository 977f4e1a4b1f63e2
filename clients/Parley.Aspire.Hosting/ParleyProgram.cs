using System.Text.Json;

namespace Parley.Aspire.Hosting;

/// <summary>How the command line is started.</summary>
/// <param name="Command">The program: a path, or a name that the system finds.</param>
/// <param name="Arguments">What stands before the command line's own arguments.</param>
/// <param name="Fault">Why it cannot be started; null where it was found.</param>
internal sealed record ParleyProgram(string Command, IReadOnlyList<string> Arguments, string? Fault)
{
    private const string Name = "parley";
    private const string Dotnet = "dotnet";

    private static readonly string[] Manifests = [Path.Combine(".config", "dotnet-tools.json"), "dotnet-tools.json"];

    /// <summary>The program at a path, or of a name that the system finds.</summary>
    /// <param name="path">An executable file, or an assembly (<c>.dll</c>), which dotnet runs.</param>
    /// <param name="folder">What relative paths start from.</param>
    /// <param name="searched">The folders where names are looked for.</param>
    public static ParleyProgram At(string path, string folder, IReadOnlyList<string> searched)
    {
        var isName = Path.GetFileName(path) == path && !path.EndsWith(".dll", StringComparison.OrdinalIgnoreCase);
        if (isName)
            return OnPath(path, searched) ?? new ParleyProgram(path, [], $"'{path}' is in no folder of PATH.");
        var file = Path.GetFullPath(path, folder);
        var fault = File.Exists(file) ? null : $"There is no file {file}.";
        return file.EndsWith(".dll", StringComparison.OrdinalIgnoreCase)
            ? new ParleyProgram(Dotnet, [file], fault) : new ParleyProgram(file, [], fault);
    }

    /// <summary>
    /// The tool of the nearest manifest that has it, which is the version that the app host's repository asks for; else the one of the
    /// machine.
    /// </summary>
    /// <param name="folder">The app host's folder; manifests are there and above.</param>
    /// <param name="searched">The folders where the program is looked for.</param>
    public static ParleyProgram Find(string folder, IReadOnlyList<string> searched)
    {
        string? unreadable = null;
        for (var above = new DirectoryInfo(folder); above is not null; above = above.Parent)
        {
            foreach (var manifest in Manifests.Select(name => Path.Combine(above.FullName, name)).Where(File.Exists))
            {
                var (hasTool, isRoot) = Read(manifest, ref unreadable);
                if (hasTool)
                    return new ParleyProgram(Dotnet, ["tool", "run", Name, "--"], null);
                if (isRoot)
                    return Machine(searched, unreadable);
            }
        }

        return Machine(searched, unreadable);
    }

    /// <summary>The folders of PATH, and the one of tools that were installed for the user.</summary>
    public static IReadOnlyList<string> SearchedFolders() =>
    [
        .. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries),
        Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".dotnet", "tools"),
    ];

    private static ParleyProgram Machine(IReadOnlyList<string> searched, string? unreadable) =>
        OnPath(Name, searched) ?? new ParleyProgram(Name, [],
            $"The program '{Name}' was not found: {(unreadable is null ? "" : $"{unreadable} ")}install it for the app host "
            + "('dotnet tool install parley', once 'dotnet new tool-manifest' was) or for yourself ('dotnet tool install -g parley'), or "
            + "name it with WithExecutable(path) or the app host's setting Parley:Executable.");

    private static ParleyProgram? OnPath(string name, IReadOnlyList<string> searched)
    {
        string[] names = OperatingSystem.IsWindows() ? [$"{name}.exe", name] : [name];
        var found = searched.SelectMany(folder => names.Select(file => Path.Combine(folder, file))).FirstOrDefault(File.Exists);
        return found is null ? null : new ParleyProgram(found, [], null);
    }

    private static (bool HasTool, bool IsRoot) Read(string manifest, ref string? unreadable)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(manifest));
            var root = json.RootElement;
            var hasTool = root.TryGetProperty("tools", out var tools)
                && tools.EnumerateObject().Any(tool => tool.Name.Equals(Name, StringComparison.OrdinalIgnoreCase));
            return (hasTool, root.TryGetProperty("isRoot", out var isRoot) && isRoot.ValueKind == JsonValueKind.True);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or IOException
            or UnauthorizedAccessException)
        {
            unreadable = $"{manifest} cannot be read ({exception.Message}),";
            return (false, false);
        }
    }
}
