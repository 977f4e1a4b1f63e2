using Parley.Generator.Guides.Formulas;
using Parley.Generator.Guides.Limits;

namespace Parley.Generator.Guides.Schemas;

/// <summary>Reads the schemas of one document: each keyword becomes a formula over the conditions of its kind of value.</summary>
internal sealed class SchemaReader
{
    private static readonly HashSet<string> Asserting =
    [
        "type", "enum", "const", "properties", "patternProperties", "additionalProperties", "required", "minProperties", "maxProperties",
        "propertyNames", "dependencies", "dependentRequired", "dependentSchemas", "items", "prefixItems", "additionalItems", "contains",
        "minItems", "maxItems", "uniqueItems", "minLength", "maxLength", "pattern", "format", "minimum", "maximum", "exclusiveMinimum",
        "exclusiveMaximum", "multipleOf", "allOf", "anyOf", "oneOf", "not", "if", "$ref", "$dynamicRef", "$recursiveRef",
        "unevaluatedProperties", "unevaluatedItems",
    ];

    private readonly SchemaAddresses _addresses;
    private readonly Dictionary<JsonTree, WrittenSchema> _schemas = [];
    private readonly KeywordReader _keywords;

    public SchemaReader(JsonTree document, AtomTable table, bool assertsByte)
    {
        (Table, AssertsByte) = (table, assertsByte);
        _addresses = new SchemaAddresses(document);
        _keywords = new KeywordReader(this);
        Root = Value(document, _addresses.Root);
    }

    public AtomTable Table { get; }

    /// <summary>Whether the format <c>byte</c> asserts.</summary>
    public bool AssertsByte { get; }

    /// <summary>What the document asks: a formula over <see cref="Schema"/>.</summary>
    public Formula Root { get; }

    /// <summary>Formats that the document names and nobody defines; they assert nothing.</summary>
    public SortedSet<string> UnknownFormats { get; } = new(StringComparer.Ordinal);

    /// <summary>Reads every schema that the root can lead to, so that what is not supported is refused before the first token.</summary>
    /// <exception cref="GuideException">A schema is wrong, or asks for what is not supported.</exception>
    public void ReadAll()
    {
        var pending = new Stack<Schema>();
        var seen = new HashSet<Schema>();
        var atoms = new List<Atom>();
        Push(Root, pending, seen, atoms);
        while (pending.TryPop(out var schema))
        {
            for (var kind = JsonKind.Null; kind <= JsonKind.Array; kind++)
            {
                var formula = schema.For(kind);
                if (formula.IsConstant || kind < JsonKind.Object)
                    continue;
                if (kind == JsonKind.Array && schema is WrittenSchema written)
                    CheckDistinct(formula, written);
                var own = new List<Atom>();
                formula.CollectAtoms(own, []);
                foreach (var value in own.SelectMany(Values))
                    Push(value, pending, seen, atoms);
            }
        }
    }

    /// <summary>What a place asks of a value: a formula over <see cref="Schema"/>.</summary>
    public Formula Value(JsonTree place, SchemaResource from)
    {
        if (place.Kind is JsonKind.True or JsonKind.False)
            return place.Kind == JsonKind.True ? Formula.True : Formula.False;
        if (place.Kind != JsonKind.Object)
            throw new GuideException(place.Pointer, "a schema must be an object or a boolean");
        return place.Members.Any(member => Asserting.Contains(member.Key)) ? Table.Formulas.Of(Alias(At(place, from))) : Formula.True;
    }

    /// <summary>The schema that stands at a place.</summary>
    public WrittenSchema At(JsonTree place, SchemaResource from)
    {
        if (!_schemas.TryGetValue(place, out var schema))
        {
            Table.CountSchema();
            _schemas.Add(place, schema = new WrittenSchema(this, place, _addresses.Of(place, from)));
        }

        return schema;
    }

    /// <summary>The keywords of a schema that count: before draft 2019-09 a reference stands alone.</summary>
    public IEnumerable<KeyValuePair<string, JsonTree>> Keywords(WrittenSchema schema)
    {
        if (schema.Resource.Dialect <= SchemaDialect.Draft7 && schema.Place.Get("$ref") is { Kind: JsonKind.String } reference)
            return [KeyValuePair.Create("$ref", reference)];
        return schema.Place.Members;
    }

    /// <summary>The schema that a reference leads to; null where it leads to a boolean.</summary>
    /// <exception cref="GuideException">It leads nowhere, or where it leads depends on the way by which it is reached.</exception>
    public WrittenSchema? Referred(string keyword, JsonTree reference, WrittenSchema from)
    {
        var (place, resource) = Target(keyword, reference, from);
        return place.Kind == JsonKind.Object ? At(place, resource) : null;
    }

    /// <summary>What a reference asks: a formula over the conditions of one kind.</summary>
    public Formula ReferredFor(string keyword, JsonTree reference, WrittenSchema from, JsonKind kind)
    {
        var (place, resource) = Target(keyword, reference, from);
        return For(place, resource, kind);
    }

    /// <summary>What a place asks of a value of one kind.</summary>
    public Formula For(JsonTree place, SchemaResource from, JsonKind kind) => place.Kind switch
    {
        JsonKind.True => Formula.True,
        JsonKind.False => Formula.False,
        JsonKind.Object => At(place, from).For(kind),
        _ => throw new GuideException(place.Pointer, "a schema must be an object or a boolean"),
    };

    /// <summary>What a schema asks of a value of one kind; see <see cref="WrittenSchema.For"/>.</summary>
    public Formula Read(WrittenSchema schema, JsonKind kind)
    {
        var parts = new List<Formula>();
        foreach (var (keyword, value) in Keywords(schema))
        {
            var part = _keywords.Read(schema, keyword, value, kind);
            if (part.Kind == FormulaKind.False)
                return Formula.False;
            parts.Add(part);
        }

        return Table.Formulas.And([.. parts]);
    }

    /// <summary>
    /// That items differ can be asked, not its opposite: whether an array can still get two equal items depends on every value of its
    /// first.
    /// </summary>
    private static void CheckDistinct(Formula formula, WrittenSchema schema)
    {
        foreach (var conjunct in formula.Conjuncts())
        {
            var atoms = new List<Atom>();
            conjunct.CollectAtoms(atoms, []);
            if (conjunct.Atom is not DistinctAtom && atoms.Exists(atom => atom is DistinctAtom))
            {
                throw new GuideException(
                    schema.Place.Pointer,
                    "uniqueItems is supported where it must hold, not as one of several alternatives for an array, nor under not or if");
            }
        }
    }

    /// <summary>The values that a condition looks into.</summary>
    private static IEnumerable<Formula> Values(Atom atom) => atom switch
    {
        PropertyAtom members => members.Named.Values.Concat(members.Patterns.Select(pattern => pattern.Value)).Append(members.Additional),
        ItemAtom items => Places(items),
        ContainsAtom contains => [contains.Value],
        UnevaluatedPropertiesAtom rest => [rest.Value],
        UnevaluatedItemsAtom rest => rest.Others.Select(other => other.Containing).Append(rest.Value),
        _ => [],
    };

    private static IEnumerable<Formula> Places(ItemAtom items)
    {
        for (; items.PlacesLeft > 0; items = items.Next)
            yield return items.Value;
        yield return items.Value;
    }

    private static void Push(Formula value, Stack<Schema> pending, HashSet<Schema> seen, List<Atom> atoms)
    {
        atoms.Clear();
        value.CollectAtoms(atoms, []);
        foreach (var schema in atoms.OfType<Schema>())
        {
            if (seen.Add(schema))
                pending.Push(schema);
        }
    }

    /// <summary>A schema that is only a reference is the one that it leads to.</summary>
    private WrittenSchema Alias(WrittenSchema schema)
    {
        for (var steps = 0; steps < 64; steps++)
        {
            string? only = null;
            JsonTree? reference = null;
            foreach (var (keyword, value) in Keywords(schema))
            {
                if (!Asserting.Contains(keyword))
                    continue;
                if (keyword != "$ref" || reference is not null)
                    return schema;
                (only, reference) = (keyword, value);
            }

            if (reference is not { Kind: JsonKind.String } || Referred(only!, reference, schema) is not { } next)
                return schema;
            schema = next;
        }

        throw new GuideException(schema.Place.Pointer,
            "a reference leads back to the schema that it stands in, without going into a value");
    }

    private (JsonTree Place, SchemaResource Resource) Target(string keyword, JsonTree reference, WrittenSchema from)
    {
        if (reference.Kind != JsonKind.String)
            throw new GuideException(reference.Pointer, $"{keyword} must be a string");
        var target = _addresses.Resolve(reference, from.Resource);
        if (keyword == "$dynamicRef" && target.Place.Get("$dynamicAnchor") is { Kind: JsonKind.String, Text: var name }
            && _addresses.DynamicAnchors(name) > 1 && reference.Text.EndsWith("#" + name, StringComparison.Ordinal))
        {
            throw new GuideException(reference.Pointer,
                $"$dynamicRef is not supported where several schemas are called '{name}' by $dynamicAnchor");
        }

        if (keyword == "$recursiveRef" && target.Place.Get("$recursiveAnchor") is { Kind: JsonKind.True }
            && target.Place != _addresses.Root.Root)
            throw new GuideException(reference.Pointer, "$recursiveRef is not supported within a schema that others extend");
        return target;
    }
}
