using Parley.Generator.Guides.Limits;

namespace Parley.Generator.Guides.Schemas;

/// <summary>Finds what a reference leads to: addresses, anchors and pointers of one schema document.</summary>
internal sealed class SchemaAddresses
{
    private static readonly string[] Single =
    [
        "additionalProperties", "items", "contains", "not", "if", "then", "else", "propertyNames", "unevaluatedProperties",
            "unevaluatedItems",
        "additionalItems", "contentSchema",
    ];

    private static readonly string[] Lists = ["allOf", "anyOf", "oneOf", "prefixItems", "items"];
    private static readonly string[] Maps = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"];

    private readonly Dictionary<string, SchemaResource> _resources = [];
    private readonly Dictionary<JsonTree, SchemaResource> _places = [];
    private readonly Dictionary<string, int> _dynamicAnchors = [];

    public SchemaAddresses(JsonTree root)
    {
        Root = new SchemaResource(new Uri("schema:///"), root, Dialect(root, SchemaDialect.Draft2020));
        _resources.Add(Root.Address.AbsoluteUri, Root);
        Visit(root, Root);
    }

    /// <summary>The document itself.</summary>
    public SchemaResource Root { get; }

    /// <summary>The resource that a place belongs to; the nearest known one for places that no keyword leads to.</summary>
    public SchemaResource Of(JsonTree place, SchemaResource otherwise) => _places.GetValueOrDefault(place, otherwise);

    /// <summary>How many places are called by this <c>$dynamicAnchor</c>.</summary>
    public int DynamicAnchors(string name) => _dynamicAnchors.GetValueOrDefault(name);

    /// <summary>Follows a reference.</summary>
    /// <exception cref="GuideException">It leads nowhere, or out of the document.</exception>
    public (JsonTree Place, SchemaResource Resource) Resolve(JsonTree reference, SchemaResource from)
    {
        var text = reference.Text;
        var hash = text.IndexOf('#', StringComparison.Ordinal);
        var address = hash < 0 ? text : text[..hash];
        var fragment = hash < 0 ? "" : Uri.UnescapeDataString(text[(hash + 1)..]);
        var resource = from;
        if (address.Length > 0)
        {
            if (!Uri.TryCreate(from.Address, address, out var absolute) || !_resources.TryGetValue(absolute.AbsoluteUri, out resource))
                throw new GuideException(reference.Pointer, $"the reference '{text}' leads out of the schema; nothing is fetched");
        }

        if (fragment.Length == 0)
            return (resource.Root, resource);
        if (fragment[0] != '/')
        {
            return resource.Anchors.TryGetValue(fragment, out var anchored)
                ? (anchored, Of(anchored, resource))
                : throw new GuideException(reference.Pointer, $"the reference '{text}' leads nowhere: there is no such anchor");
        }

        var place = resource.Root;
        foreach (var step in fragment[1..].Split('/'))
        {
            var name = step.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            var next = place.Kind == JsonKind.Array && int.TryParse(name, out var index) && index >= 0 && index < place.Items.Count
                ? place.Items[index]
                : place.Get(name);
            place = next ?? throw new GuideException(reference.Pointer, $"the reference '{text}' leads nowhere: there is no '{name}'");
            resource = Of(place, resource);
        }

        return (place, resource);
    }

    private static SchemaDialect Dialect(JsonTree schema, SchemaDialect otherwise)
    {
        if (schema.Get("$schema") is not { Kind: JsonKind.String, Text: var text })
            return otherwise;
        return text switch
        {
            _ when text.Contains("draft-03", StringComparison.Ordinal) || text.Contains("draft-04", StringComparison.Ordinal) =>
                SchemaDialect.Draft4,
            _ when text.Contains("draft-06", StringComparison.Ordinal) => SchemaDialect.Draft6,
            _ when text.Contains("draft-07", StringComparison.Ordinal) => SchemaDialect.Draft7,
            _ when text.Contains("2019-09", StringComparison.Ordinal) => SchemaDialect.Draft2019,
            _ => otherwise,
        };
    }

    private void Visit(JsonTree schema, SchemaResource resource)
    {
        if (schema.Kind != JsonKind.Object)
            return;
        resource = Enter(schema, resource);
        _places[schema] = resource;
        foreach (var name in Single)
        {
            if (schema.Get(name) is { Kind: JsonKind.Object } inner)
                Visit(inner, resource);
        }

        foreach (var name in Lists)
        {
            foreach (var inner in schema.Get(name)?.Items ?? [])
                Visit(inner, resource);
        }

        foreach (var name in Maps)
        {
            foreach (var (_, inner) in schema.Get(name)?.Members ?? [])
                Visit(inner, resource);
        }
    }

    private SchemaResource Enter(JsonTree schema, SchemaResource resource)
    {
        var legacy = resource.Dialect <= SchemaDialect.Draft7;
        var id = schema.Get("$id") ?? (resource.Dialect == SchemaDialect.Draft4 ? schema.Get("id") : null);
        if (id is { Kind: JsonKind.String, Text.Length: > 0 } && !(legacy && schema.Get("$ref") is not null))
        {
            var text = id.Text;
            if (text[0] == '#')
            {
                if (legacy)
                    resource.Anchors.TryAdd(text[1..], schema);
            }
            else if (Uri.TryCreate(resource.Address, text, out var address))
            {
                var hash = text.IndexOf('#', StringComparison.Ordinal);
                var own = new SchemaResource(new UriBuilder(address) { Fragment = "" }.Uri, schema, Dialect(schema, resource.Dialect));
                if (schema == Root.Root)
                    _resources.TryAdd(own.Address.AbsoluteUri, own);
                else if (!_resources.TryAdd(own.Address.AbsoluteUri, own))
                    own = _resources[own.Address.AbsoluteUri].Root == schema ? _resources[own.Address.AbsoluteUri] : own;
                if (legacy && hash >= 0 && hash < text.Length - 1)
                    own.Anchors.TryAdd(text[(hash + 1)..], schema);
                resource = own;
            }
        }

        foreach (var keyword in (string[])["$anchor", "$dynamicAnchor"])
        {
            if (schema.Get(keyword) is not { Kind: JsonKind.String, Text: var name })
                continue;
            resource.Anchors.TryAdd(name, schema);
            if (keyword == "$dynamicAnchor")
                _dynamicAnchors[name] = DynamicAnchors(name) + 1;
        }

        return resource;
    }
}
