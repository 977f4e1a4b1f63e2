using System.Text.Json.Nodes;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.ApiDescription;

/// <summary>
/// Names that other servers give to the same settings, and fields of theirs that must ask for nothing: made of the tables that the readers
/// read by, so none is missing here.
/// </summary>
internal static class OtherShapes
{
    /// <summary>Further names of fields, each with the shape of what it names.</summary>
    public static IEnumerable<Field> Aliases(IReadOnlyCollection<Field> fields) =>
        from alias in FieldAliases.All.OrderBy(alias => alias.Key, StringComparer.Ordinal)
        join field in fields on alias.Value equals field.Name
        where fields.All(other => other.Name != alias.Key)
        select new Field(alias.Key, (JsonObject)field.Schema.DeepClone(), $"Another name of `{field.Name}`.") { IsOther = true };

    /// <summary>Fields of a table that are not among others.</summary>
    public static IEnumerable<Field> Of(IEnumerable<KeyValuePair<string, OtherField>> table, IEnumerable<string> except) =>
        from other in table.OrderBy(other => other.Key, StringComparer.Ordinal)
        where !except.Contains(other.Key)
        select new Field(other.Key, (JsonObject)JsonNode.Parse(other.Value.Schema)!, TextOf(other.Value)) { IsOther = true };

    private static string TextOf(OtherField field) => field.Supported.Length > 0
        ? $"No setting here: taken as {field.Supported} only."
        : field.Tells is null ? "Taken; the answer is the same." : "Taken and not done: named in X-Parley-Ignored-Fields.";
}
