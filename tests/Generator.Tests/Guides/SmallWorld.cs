namespace Parley.Generator.Tests.Guides;

/// <summary>
/// A few JSON values, all of them: scalars, arrays of two scalars at most, objects of the keys a and b. Small enough to try every one.
/// </summary>
internal static class SmallWorld
{
    private static readonly string[] Scalars = ["null", "true", "false", "0", "1", "12", "\"\"", "\"a\"", "\"b\\\"\""];

    /// <summary>The schema that exactly these values meet.</summary>
    public const string Schema =
        """{"anyOf":[{"$ref":"#/$defs/scalar"},{"type":"array","items":{"$ref":"#/$defs/scalar"},"maxItems":2},"""
        + """{"type":"object","properties":{"a":{"$ref":"#/$defs/scalar"},"b":{"$ref":"#/$defs/scalar"}},"additionalProperties":false}]}""";

    public const string Scalar = """{"enum":[null,true,false,0,1,12,"","a","b\""]}""";

    /// <summary>The values as a compact writer writes them.</summary>
    public static IReadOnlyList<string> Texts { get; } = [.. All()];

    private static IEnumerable<string> All()
    {
        string[] maybe = ["", .. Scalars];
        return
        [
            .. Scalars,
            "[]", .. Scalars.Select(one => $"[{one}]"),
            .. Scalars.SelectMany(_ => Scalars, (one, two) => $"[{one},{two}]"),
            .. maybe.SelectMany(_ => maybe, (a, b) => $"{{{string.Join(',', new[] { a == "" ? "" : $"\"a\":{a}", b == "" ? ""
                : $"\"b\":{b}" }.Where(part => part != ""))}}}"),
        ];
    }
}
