using System.Text.Json;

namespace Parley.TokenizerFormat;

/// <summary>One object of a model file together with the place it stands at, so that every fault can name file and field.</summary>
internal readonly struct JsonSection(JsonElement element, string place)
{
    public JsonElement Element { get; } = element;

    /// <summary>File and path, e.g. <c>tokenizer.json: pre_tokenizer.pretokenizers[1]</c>.</summary>
    public string Place { get; } = place;

    /// <summary>The <c>type</c> that every stage of tokenizer.json carries.</summary>
    public string Type => Text("type");

    public bool Has(string name) =>
        Element.ValueKind == JsonValueKind.Object && Element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null;

    public string Text(string name)
    {
        if (Element.ValueKind != JsonValueKind.Object)
            throw Fault($"is a JSON {Element.ValueKind}, not an object");
        return Element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : throw Fault($"has no text \"{name}\"");
    }

    public string Text(string name, string unset) => Has(name) ? Text(name) : unset;

    public bool Flag(string name, bool unset)
    {
        if (!Has(name))
            return unset;
        return Element.GetProperty(name).ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw Fault($"\"{name}\" is not true or false"),
        };
    }

    public int Number(string name, int unset)
    {
        if (!Has(name))
            return unset;
        var value = Element.GetProperty(name);
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number)
            ? number
            : throw Fault($"\"{name}\" is not a whole number");
    }

    public JsonSection Section(string name) =>
        Has(name) ? new JsonSection(Element.GetProperty(name), $"{Place}.{name}") : throw Fault($"has no \"{name}\"");

    public IEnumerable<JsonSection> Items(string name)
    {
        var list = Section(name);
        if (list.Element.ValueKind != JsonValueKind.Array)
            throw list.Fault("is not a list");
        var index = 0;
        foreach (var item in list.Element.EnumerateArray())
            yield return new JsonSection(item, $"{list.Place}[{index++}]");
    }

    /// <summary>Refuses what this version does not implement: an option that is ignored would give wrong ids in silence.</summary>
    public void AllowOnly(params ReadOnlySpan<string> names)
    {
        if (Element.ValueKind != JsonValueKind.Object)
            throw Fault($"is a JSON {Element.ValueKind}, not an object");
        foreach (var property in Element.EnumerateObject())
        {
            if (property.Name != "type" && !names.Contains(property.Name))
                throw Fault($"has an option \"{property.Name}\" that is not supported");
        }
    }

    public InvalidDataException UnknownType(string kind) => Fault($"{kind} \"{Type}\" is not supported");

    public InvalidDataException Fault(string what) => new($"{Place} {what}.");
}
