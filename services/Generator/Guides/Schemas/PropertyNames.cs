namespace Parley.Generator.Guides.Schemas;

/// <summary>The order of keys: that in which a schema, and what applies in its place, first names them.</summary>
internal static class PropertyNames
{
    /// <summary>Names in order, each once.</summary>
    public static IReadOnlyList<string> Of(WrittenSchema schema, SchemaReader reader)
    {
        var names = new List<string>();
        Collect(schema, reader, names, [], []);
        return names;
    }

    private static void Collect(WrittenSchema schema, SchemaReader reader, List<string> names, HashSet<string> known,
        HashSet<JsonTree> seen)
    {
        if (!seen.Add(schema.Place))
            return;
        foreach (var (keyword, value) in reader.Keywords(schema))
        {
            switch (keyword)
            {
                case "properties":
                    Add(value.Members.Select(member => member.Key), names, known);
                    break;
                case "const":
                    Add(value.Members.Select(member => member.Key), names, known);
                    break;
                case "enum":
                    Add(value.Items.SelectMany(item => item.Members).Select(member => member.Key), names, known);
                    break;
                default:
                    foreach (var inner in InPlace(keyword, value, schema, reader))
                        Collect(inner, reader, names, known, seen);
                    break;
            }
        }
    }

    private static void Add(IEnumerable<string> more, List<string> names, HashSet<string> known)
    {
        foreach (var name in more)
        {
            if (known.Add(name))
                names.Add(name);
        }
    }

    /// <summary>The schemas that a keyword applies to the very value that its own schema is applied to.</summary>
    private static IEnumerable<WrittenSchema> InPlace(string keyword, JsonTree value, WrittenSchema schema, SchemaReader reader)
    {
        IEnumerable<JsonTree> places = keyword switch
        {
            "allOf" or "anyOf" or "oneOf" => value.Items,
            "not" or "if" or "then" or "else" => [value],
            "dependentSchemas" or "dependencies" => value.Members.Select(member => member.Value),
            _ => [],
        };
        foreach (var place in places)
        {
            if (place.Kind == JsonKind.Object)
                yield return reader.At(place, schema.Resource);
        }

        if (keyword is "$ref" or "$dynamicRef" or "$recursiveRef" && reader.Referred(keyword, value, schema) is { } referred)
            yield return referred;
    }
}
