using YamlDotNet.RepresentationModel;

namespace Parley.Deployment.Tests.Kubernetes;

/// <summary>
/// Custom resources against lists of their fields: a line for each that we use or might, its path and its type. The lists say where they
/// are from; the slow set compares the same objects with published types.
/// </summary>
internal static class CustomResources
{
    private static readonly Dictionary<string, Dictionary<string, string>> Lists = Load();

    public static bool Has(KubernetesObject one) => Lists.ContainsKey(KeyOf(one));

    /// <summary>What is wrong with an object: fields that its list lacks, values of another type, required ones that are missing.</summary>
    public static IReadOnlyList<string> Faults(KubernetesObject one)
    {
        if (!Lists.TryGetValue(KeyOf(one), out var list))
            return [$"{one}: there is no list of fields for {one.ApiVersion}"];
        var faults = new List<string>();
        Check(one.Root, "", list, faults);
        return [.. faults.Select(fault => $"{one}: {fault}")];
    }

    private static void Check(YamlNode node, string path, Dictionary<string, string> list, List<string> faults)
    {
        switch (node)
        {
            case YamlMappingNode mapping:
                foreach (var (key, value) in mapping.Children.Select(pair => (((YamlScalarNode)pair.Key).Value!, pair.Value)))
                {
                    var field = path.Length == 0 ? key : $"{path}.{key}";
                    if (Type(path, list) == "map")
                        Check(value, $"{path}.*", list, faults);
                    else if (!list.ContainsKey(field))
                        faults.Add($"there is no field {field}");
                    else
                        Check(value, field, list, faults);
                }

                faults.AddRange(Required(path, list).Where(name => !mapping.Children.ContainsKey(new YamlScalarNode(name)))
                    .Select(name => $"{path}.{name} is missing"));
                break;
            case YamlSequenceNode sequence:
                foreach (var item in sequence)
                    Check(item, $"{path}[]", list, faults);
                break;
            case YamlScalarNode scalar when Type(path, list) is var type && !IsOfType(scalar, type):
                faults.Add($"{path} is '{scalar.Value}', which is no {type}");
                break;
        }
    }

    private static IEnumerable<string> Required(string path, Dictionary<string, string> list) =>
        list.Where(pair => pair.Value.EndsWith('!')).Select(pair => pair.Key)
            .Where(field => field.LastIndexOf('.') is var dot && (dot < 0 ? "" : field[..dot]) == path)
            .Select(field => field[(field.LastIndexOf('.') + 1)..]);

    private static string Type(string path, Dictionary<string, string> list) =>
        path.EndsWith(".*", StringComparison.Ordinal) ? "string" : list.GetValueOrDefault(path, "?").TrimEnd('!');

    private static bool IsOfType(YamlScalarNode scalar, string type)
    {
        var isText = scalar.Style is YamlDotNet.Core.ScalarStyle.DoubleQuoted or YamlDotNet.Core.ScalarStyle.SingleQuoted
            or YamlDotNet.Core.ScalarStyle.Literal or YamlDotNet.Core.ScalarStyle.Folded;
        return type switch
        {
            "string" => isText || !(long.TryParse(scalar.Value, out _) || scalar.Value is "true" or "false" or "null"),
            "int" => !isText && long.TryParse(scalar.Value, out _),
            "bool" => !isText && scalar.Value is "true" or "false",
            _ => type.Split('|').Contains(scalar.Value),
        };
    }

    private static string KeyOf(KubernetesObject one) => $"{one.ApiVersion} {one.Kind}";

    private static Dictionary<string, Dictionary<string, string>> Load()
    {
        var lists = new Dictionary<string, Dictionary<string, string>>();
        var assembly = typeof(CustomResources).Assembly;
        foreach (var name in assembly.GetManifestResourceNames())
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            Dictionary<string, string>? fields = null;
            while (reader.ReadLine() is { } line)
            {
                if (line.Length == 0 || line[0] == '#')
                    continue;
                if (line[0] == '=')
                {
                    lists.Add(line[2..], fields = new(StringComparer.Ordinal)
                    {
                        ["apiVersion"] = "string!",
                        ["kind"] = "string!",
                        ["metadata"] = "object!",
                        ["metadata.name"] = "string!",
                        ["metadata.namespace"] = "string",
                        ["metadata.labels"] = "map",
                        ["metadata.annotations"] = "map",
                    });
                }
                else
                {
                    var parts = line.Split(": ");
                    fields!.Add(parts[0], parts[1]);
                }
            }
        }

        return lists;
    }
}
