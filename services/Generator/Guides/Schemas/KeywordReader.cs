using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Formulas;
using Parley.Generator.Guides.Limits;

namespace Parley.Generator.Guides.Schemas;

/// <summary>What single keywords ask of a value of one kind.</summary>
internal sealed class KeywordReader(SchemaReader reader)
{
    private readonly AtomTable _table = reader.Table;
    private readonly UnevaluatedReader _unevaluated = new(reader);
    private readonly ConstantReader _constants = new(reader.Table);

    /// <summary>What the keyword asks; true for one that asks nothing of this kind.</summary>
    /// <exception cref="GuideException">Its value is wrong, or it asks for what is not supported.</exception>
    public Formula Read(WrittenSchema schema, string keyword, JsonTree value, JsonKind kind)
    {
        switch (keyword)
        {
            case "type":
                return Type(value, kind);
            case "enum":
                return _constants.OneOf(List(value), kind);
            case "const":
                return _table.Constant(value).For(kind);
            case "$ref" or "$dynamicRef" or "$recursiveRef":
                return reader.ReferredFor(keyword, value, schema, kind);
            case "allOf" or "anyOf" or "oneOf":
                return Joined(schema, keyword, value, kind);
            case "not":
                return _table.Formulas.Not(reader.For(value, schema.Resource, kind));
            case "if":
                return Conditional(schema, value, kind);
        }

        return kind switch
        {
            JsonKind.Number => Number(schema, keyword, value),
            JsonKind.String => Text(keyword, value),
            JsonKind.Object => Members(schema, keyword, value),
            JsonKind.Array => Items(schema, keyword, value),
            _ => Formula.True,
        };
    }

    private static IReadOnlyList<JsonTree> List(JsonTree value) =>
        value.Kind == JsonKind.Array ? value.Items : throw new GuideException(value.Pointer, "must be an array");

    private static IReadOnlyList<KeyValuePair<string, JsonTree>> Map(JsonTree value) =>
        value.Kind == JsonKind.Object ? value.Members : throw new GuideException(value.Pointer, "must be an object");

    private static string String(JsonTree value) =>
        value.Kind == JsonKind.String ? value.Text : throw new GuideException(value.Pointer, "must be a string");

    private static DecimalNumber Decimal(JsonTree value) =>
        value.Kind == JsonKind.Number ? DecimalNumber.Parse(value.Text) : throw new GuideException(value.Pointer, "must be a number");

    private static int Count(JsonTree value)
    {
        var number = Decimal(value);
        if (!number.IsInteger || number.Sign < 0)
            throw new GuideException(value.Pointer, "must be an integer that is not negative");
        return number.Point > 9 ? int.MaxValue - 1 : int.Parse(number.Whole, System.Globalization.CultureInfo.InvariantCulture);
    }

    private Formula Type(JsonTree value, JsonKind kind)
    {
        IEnumerable<JsonTree> types = value.Kind == JsonKind.Array ? value.Items : [value];
        var result = Formula.False;
        foreach (var type in types)
        {
            result = _table.Formulas.Or(result, String(type) switch
            {
                "null" => Formula.Of(kind == JsonKind.Null ? Verdict.True : Verdict.False),
                "boolean" => Formula.Of(kind is JsonKind.True or JsonKind.False ? Verdict.True : Verdict.False),
                "number" => Formula.Of(kind == JsonKind.Number ? Verdict.True : Verdict.False),
                "string" => Formula.Of(kind == JsonKind.String ? Verdict.True : Verdict.False),
                "object" => Formula.Of(kind == JsonKind.Object ? Verdict.True : Verdict.False),
                "array" => Formula.Of(kind == JsonKind.Array ? Verdict.True : Verdict.False),
                "integer" => kind == JsonKind.Number ? _table.Formulas.Of(_table.Text("i", () => new IntegerAutomaton())) : Formula.False,
                var unknown => throw new GuideException(value.Pointer, $"the type '{unknown}' is none of JSON Schema"),
            });
        }

        return result;
    }

    private Formula Joined(WrittenSchema schema, string keyword, JsonTree value, JsonKind kind)
    {
        var members = List(value).Select(member => reader.For(member, schema.Resource, kind)).ToArray();
        return keyword switch
        {
            "allOf" => _table.Formulas.And(members),
            "anyOf" => _table.Formulas.Or(members),
            _ => _table.Formulas.One(members),
        };
    }

    private Formula Conditional(WrittenSchema schema, JsonTree value, JsonKind kind)
    {
        var condition = reader.For(value, schema.Resource, kind);
        var then = schema.Place.Get("then") is { } whenTrue ? reader.For(whenTrue, schema.Resource, kind) : Formula.True;
        var otherwise = schema.Place.Get("else") is { } whenFalse ? reader.For(whenFalse, schema.Resource, kind) : Formula.True;
        var formulas = _table.Formulas;
        return formulas.And(formulas.Or(formulas.Not(condition), then), formulas.Or(condition, otherwise));
    }

    private Formula Number(WrittenSchema schema, string keyword, JsonTree value)
    {
        switch (keyword)
        {
            // Draft 4 writes an exclusive bound as a boolean beside the bound.
            case "minimum":
                return schema.Place.Get("exclusiveMinimum") is { Kind: JsonKind.True } ? Bound(value, 1)
                    : _table.Formulas.Not(Bound(value, -1));
            case "maximum":
                return schema.Place.Get("exclusiveMaximum") is { Kind: JsonKind.True } ? Bound(value, -1)
                    : _table.Formulas.Not(Bound(value, 1));
            case "exclusiveMinimum" when value.Kind is not (JsonKind.True or JsonKind.False):
                return Bound(value, 1);
            case "exclusiveMaximum" when value.Kind is not (JsonKind.True or JsonKind.False):
                return Bound(value, -1);
            case "multipleOf":
                var divisor = Decimal(value);
                if (divisor.Sign <= 0)
                    throw new GuideException(value.Pointer, "multipleOf must be above zero");
                return _table.Formulas.Of(_table.Text("m" + divisor.Plain(), () => MultipleAutomaton.Of(divisor)));
            default:
                return Formula.True;
        }
    }

    /// <summary>Below the bound (order −1) or above it (1).</summary>
    private Formula Bound(JsonTree value, int order)
    {
        var bound = Decimal(value);
        return _table.Formulas.Of(_table.Text($"b{order}:{bound.Plain()}", () => new BoundAutomaton(bound, order)));
    }

    private Formula Text(string keyword, JsonTree value)
    {
        switch (keyword)
        {
            case "minLength":
                return _table.Length(Count(value));
            case "maxLength":
                return _table.Formulas.Not(_table.Length(Count(value) + 1));
            case "pattern":
                return Pattern(value, String(value));
            case "format":
                if (value.Text == "idn-hostname")
                    throw new GuideException(value.Pointer, "the format idn-hostname is not supported");
                if (Formats.Find(String(value), _table, reader.AssertsByte) is { } format)
                    return format;
                reader.UnknownFormats.Add(value.Text);
                return Formula.True;
            default:
                return Formula.True;
        }
    }

    private Formula Pattern(JsonTree place, string pattern) => _table.Formulas.Of(PatternAtom(place, pattern));

    private TextAtom PatternAtom(JsonTree place, string pattern)
    {
        try
        {
            return _table.PatternAtom(pattern);
        }
        catch (GuideException exception) when (exception.Place.Length == 0)
        {
            throw new GuideException(place.Pointer, exception.Message);
        }
    }

    private Formula Members(WrittenSchema schema, string keyword, JsonTree value)
    {
        var formulas = _table.Formulas;
        switch (keyword)
        {
            case "properties" or "patternProperties" or "additionalProperties":
                // One condition for the three; it is made where the first of them stands.
                return schema.Place.Members.First(member =>
                    member.Key is "properties" or "patternProperties" or "additionalProperties").Key == keyword
                    ? formulas.Of(Properties(schema))
                    : Formula.True;
            case "required":
                return formulas.And([.. List(value).Select(name => _table.Has(String(name)))]);
            case "minProperties":
                return _table.AtLeast(Count(value));
            case "maxProperties":
                return formulas.Not(_table.AtLeast(Count(value) + 1));
            case "propertyNames":
                var key = reader.For(value, schema.Resource, JsonKind.String);
                return key == Formula.True ? key : formulas.Of(new KeyNamesAtom(key));
            case "dependencies" or "dependentRequired" or "dependentSchemas":
                return formulas.And([.. Map(value).Select(member => Dependency(schema, member.Key, member.Value))]);
            case "unevaluatedProperties":
                return _unevaluated.Properties(schema, value);
            default:
                return Formula.True;
        }
    }

    private Formula Dependency(WrittenSchema schema, string name, JsonTree value)
    {
        var formulas = _table.Formulas;
        var then = value.Kind switch
        {
            JsonKind.Array => formulas.And([.. value.Items.Select(item => _table.Has(String(item)))]),
            JsonKind.String => _table.Has(value.Text),
            _ => reader.For(value, schema.Resource, JsonKind.Object),
        };
        return formulas.Or(formulas.Not(_table.Has(name)), then);
    }

    /// <summary>The condition of properties, patternProperties and additionalProperties together.</summary>
    public PropertyAtom Properties(WrittenSchema schema)
    {
        var (place, resource) = (schema.Place, schema.Resource);
        var named = new Dictionary<string, Formula>();
        foreach (var (name, value) in place.Get("properties") is { } properties ? Map(properties) : [])
            named[name] = reader.Value(value, resource);
        var patterns = new List<(TextAtom, Formula)>();
        foreach (var (pattern, value) in place.Get("patternProperties") is { } byPattern ? Map(byPattern) : [])
            patterns.Add((PatternAtom(value, pattern), reader.Value(value, resource)));
        return new PropertyAtom
        {
            Named = named,
            Patterns = patterns,
            Additional = place.Get("additionalProperties") is { } additional ? reader.Value(additional, resource) : Formula.True,
        };
    }

    private Formula Items(WrittenSchema schema, string keyword, JsonTree value)
    {
        var (place, resource) = (schema.Place, schema.Resource);
        switch (keyword)
        {
            case "prefixItems":
                return ItemsAtom(List(value), place.Get("items"), resource);
            case "items" when value.Kind == JsonKind.Array:
                return ItemsAtom(value.Items, place.Get("additionalItems"), resource);
            case "items":
                return place.Get("prefixItems") is { Kind: JsonKind.Array } ? Formula.True : ItemsAtom([], value, resource);
            case "minItems":
                return _table.AtLeast(Count(value));
            case "maxItems":
                return _table.Formulas.Not(_table.AtLeast(Count(value) + 1));
            case "uniqueItems":
                return value.Kind == JsonKind.True ? _table.Formulas.Of(_table.Distinct) : Formula.True;
            case "contains":
                return Contains(schema, value);
            case "unevaluatedItems":
                return _unevaluated.Items(schema, value);
            default:
                return Formula.True;
        }
    }

    private Formula ItemsAtom(IReadOnlyList<JsonTree> places, JsonTree? rest, SchemaResource resource) => _table.Formulas.Of(new ItemAtom(
        [.. places.Select(item => reader.Value(item, resource))], rest is null ? Formula.True : reader.Value(rest, resource)));

    private Formula Contains(WrittenSchema schema, JsonTree value)
    {
        var formulas = _table.Formulas;
        var least = schema.Place.Get("minContains") is { } min ? Count(min) : 1;
        var contained = reader.Value(value, schema.Resource);
        var enough = least == 0 ? Formula.True : formulas.Of(new ContainsAtom(contained, least));
        if (schema.Place.Get("maxContains") is not { } max)
            return enough;
        return formulas.And(enough, formulas.Not(formulas.Of(new ContainsAtom(contained, Count(max) + 1))));
    }
}
