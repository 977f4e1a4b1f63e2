namespace Parley.Benchmarks.Guides;

/// <summary>A row of the guides' table.</summary>
internal sealed class GuideTally
{
    /// <summary>Keywords that have a row.</summary>
    public static readonly HashSet<string> Keywords =
    [
        "additionalProperties", "allOf", "anyOf", "const", "contains", "dependencies", "dependentRequired", "dependentSchemas", "enum",
        "exclusiveMaximum", "exclusiveMinimum", "format", "if", "items", "maxContains", "maxItems", "maxLength", "maxProperties", "maximum",
        "minContains", "minItems", "minLength", "minProperties", "minimum", "multipleOf", "not", "oneOf", "pattern", "patternProperties",
        "prefixItems", "properties", "propertyNames", "required", "type", "unevaluatedItems", "unevaluatedProperties", "uniqueItems",
            "$ref",
    ];

    public int Schemas { get; set; }

    public int Passed { get; set; }

    public int Refused { get; set; }

    public int Instances { get; set; }

    public int ValidRefused { get; set; }

    public int InvalidAccepted { get; set; }

    public void Add(GuideTally other)
    {
        Schemas += other.Schemas;
        Passed += other.Passed;
        Refused += other.Refused;
        Instances += other.Instances;
        ValidRefused += other.ValidRefused;
        InvalidAccepted += other.InvalidAccepted;
    }

    public override string ToString() => $"{Schemas} | {Passed} | {Refused} | {Instances} | {ValidRefused} | {InvalidAccepted}";
}
