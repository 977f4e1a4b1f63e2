using Parley.Generator.Guides.Formulas;
using Parley.Generator.Guides.Limits;

namespace Parley.Generator.Guides.Schemas;

/// <summary>
/// unevaluatedProperties and unevaluatedItems: finds the schemas beside and below that evaluate members or items of the same value, each
/// with the
/// formula of when it counts (it, and all between, hold).
/// </summary>
internal sealed class UnevaluatedReader(SchemaReader reader)
{
    private const int DepthMax = 64;
    private readonly FormulaTable _formulas = reader.Table.Formulas;

    /// <summary>The condition of unevaluatedProperties.</summary>
    public Formula Properties(WrittenSchema schema, JsonTree value)
    {
        var others = new List<(Formula, PropertyAtom?)>();
        Collect(schema, Formula.True, JsonKind.Object, 0, (inner, holds, nested) =>
        {
            if (inner.Place.Get("additionalProperties") is not null || (nested && inner.Place.Get("unevaluatedProperties") is not null))
                others.Add((holds, null));
            else if (inner.Place.Get("properties") is not null || inner.Place.Get("patternProperties") is not null)
                others.Add((holds, new KeywordReader(reader).Properties(inner)));
        });
        var rest = reader.Value(value, schema.Resource);
        return rest == Formula.True ? rest : _formulas.Of(new UnevaluatedPropertiesAtom(rest, others));
    }

    /// <summary>The condition of unevaluatedItems.</summary>
    public Formula Items(WrittenSchema schema, JsonTree value)
    {
        var others = new List<(Formula, int, Formula)>();
        Collect(schema, Formula.True, JsonKind.Array, 0, (inner, holds, nested) =>
        {
            var place = inner.Place;
            var items = place.Get("items");
            var places = (place.Get("prefixItems") ?? (items is { Kind: JsonKind.Array } ? items : null))?.Items.Count ?? 0;
            var all = items is not null && items.Kind != JsonKind.Array;
            all |= items is { Kind: JsonKind.Array } && place.Get("additionalItems") is not null;
            all |= nested && place.Get("unevaluatedItems") is not null;
            var containing = place.Get("contains") is { } contains && inner.Resource.Dialect != SchemaDialect.Draft2019
                ? reader.Value(contains, inner.Resource)
                : Formula.False;
            if (all || places > 0 || containing != Formula.False)
                others.Add((holds, all ? int.MaxValue : places, containing));
        });
        var rest = reader.Value(value, schema.Resource);
        return rest == Formula.True ? rest : _formulas.Of(new UnevaluatedItemsAtom(rest, others, 0));
    }

    private void Collect(WrittenSchema schema, Formula holds, JsonKind kind, int depth, Action<WrittenSchema, Formula, bool> found)
    {
        if (depth > DepthMax)
            throw new GuideException(schema.Place.Pointer,
                "unevaluatedProperties and unevaluatedItems are not supported over schemas nested this deeply");
        found(schema, holds, depth > 0);
        foreach (var (keyword, value) in reader.Keywords(schema))
        {
            switch (keyword)
            {
                case "allOf" or "anyOf" or "oneOf":
                    foreach (var member in value.Items)
                        Below(schema, member, holds, kind, depth, found);
                    break;
                case "if":
                    Below(schema, value, holds, kind, depth, found);
                    Branches(schema, reader.For(value, schema.Resource, kind), holds, kind, depth, found);
                    break;
                case "dependentSchemas" or "dependencies" when kind == JsonKind.Object:
                    foreach (var (name, member) in value.Members)
                        Below(schema, member, _formulas.And(holds, reader.Table.Has(name)), kind, depth, found);
                    break;
                case "$ref" or "$dynamicRef" or "$recursiveRef":
                    if (reader.Referred(keyword, value, schema) is { } referred)
                        Collect(referred, _formulas.And(holds, referred.For(kind)), kind, depth + 1, found);
                    break;
            }
        }
    }

    private void Branches(
        WrittenSchema schema, Formula condition, Formula holds, JsonKind kind, int depth, Action<WrittenSchema, Formula, bool> found)
    {
        if (schema.Place.Get("then") is { } then)
            Below(schema, then, _formulas.And(holds, condition), kind, depth, found);
        if (schema.Place.Get("else") is { } otherwise)
            Below(schema, otherwise, _formulas.And(holds, _formulas.Not(condition)), kind, depth, found);
    }

    private void Below(
        WrittenSchema schema, JsonTree place, Formula holds, JsonKind kind, int depth, Action<WrittenSchema, Formula, bool> found)
    {
        if (place.Kind != JsonKind.Object)
            return;
        var inner = reader.At(place, schema.Resource);
        Collect(inner, _formulas.And(holds, inner.For(kind)), kind, depth + 1, found);
    }
}
