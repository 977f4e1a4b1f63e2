using System.Text;

namespace Parley.Generator.Machine;

/// <summary>A control group of this process, in one of the hierarchies that limit processors and memory.</summary>
/// <param name="IsUnified">Version 2: one hierarchy for all.</param>
/// <param name="Folders">Its folder, and those of the groups around it, outwards.</param>
internal sealed record ControlGroup(bool IsUnified, IReadOnlyList<string> Folders)
{
    private static readonly string[] Controllers = ["cpu", "memory"];

    /// <summary>Finds the groups of this process; none where there are none, or the system is no Linux.</summary>
    /// <param name="root">The root folder.</param>
    public static IReadOnlyList<ControlGroup> Of(string root)
    {
        var groups = new List<ControlGroup>();
        var own = OwnPaths(Lines(Path.Combine(root, "proc/self/cgroup")));
        foreach (var (isUnified, controllers, mountRoot, mountPoint) in Mounts(Lines(Path.Combine(root, "proc/self/mountinfo"))))
        {
            var keys = isUnified ? [""] : Controllers.Intersect(controllers).ToArray();
            if (keys.Length == 0 || !own.TryGetValue(keys[0], out var path))
                continue;
            groups.Add(new ControlGroup(isUnified, FoldersOf(Path.Combine(root, mountPoint.TrimStart('/')), mountRoot, path)));
        }

        return groups;
    }

    /// <summary>Path of the own group by controller; that of version 2 has an empty name.</summary>
    private static Dictionary<string, string> OwnPaths(IEnumerable<string> lines)
    {
        var paths = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in lines)
        {
            // Number, controllers, path; the path may hold colons.
            if (line.Split(':', 3) is [_, var controllers, var path])
            {
                foreach (var controller in controllers.Split(','))
                    paths.TryAdd(controller, path);
            }
        }

        return paths;
    }

    private static IEnumerable<(bool IsUnified, string[] Controllers, string Root, string Point)> Mounts(IEnumerable<string> lines)
    {
        foreach (var line in lines)
        {
            // id parent device root point options [tags] - type source controllers
            var fields = line.Split(' ');
            var separator = Array.IndexOf(fields, "-");
            if (separator < 6 || fields.Length < separator + 4 || fields[separator + 1] is not ("cgroup" or "cgroup2"))
                continue;
            yield return (fields[separator + 1] == "cgroup2", fields[separator + 3].Split(','), Unescape(fields[3]), Unescape(fields[4]));
        }
    }

    /// <summary>
    /// A container sees its own group mounted as if it were the outermost, under the path that it has outside or under "/"; what lies
    /// around it is then out of sight.
    /// </summary>
    private static List<string> FoldersOf(string point, string mountRoot, string path)
    {
        var inside = mountRoot == "/" ? path
            : path == mountRoot || path.StartsWith(mountRoot + "/", StringComparison.Ordinal) ? path[mountRoot.Length..] : "";
        var parts = inside.Split('/', StringSplitOptions.RemoveEmptyEntries);
        // A group outside of the process's view is written with dots.
        if (parts.Contains(".."))
            parts = [];
        return
        [
            .. Enumerable.Range(0, parts.Length + 1)
                .Select(count => Path.Combine([point, .. parts[..(parts.Length - count)]]))
                .Where(Directory.Exists),
        ];
    }

    /// <summary>Blanks and backslashes are written as three octal digits.</summary>
    private static string Unescape(string text)
    {
        if (!text.Contains('\\', StringComparison.Ordinal))
            return text;
        var plain = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 3 < text.Length && text[(i + 1)..(i + 4)].All(digit => digit is >= '0' and <= '7'))
            {
                plain.Append((char)Convert.ToInt32(text[(i + 1)..(i + 4)], 8));
                i += 3;
            }
            else
            {
                plain.Append(text[i]);
            }
        }

        return plain.ToString();
    }

    private static string[] Lines(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllLines(path) : [];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
