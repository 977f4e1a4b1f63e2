using System.Collections.Frozen;
using System.Text.Json;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.Anthropic;

/// <summary>Fields of Anthropic's that are no settings here; one that would change the answer is never read over.</summary>
internal static class OtherMessageFields
{
    private static readonly FrozenDictionary<string, OtherField> Table = new Dictionary<string, OtherField>
    {
        // Who asks, how to account for it, and what to keep in which memory.
        ["metadata"] = OtherField.Any,
        ["service_tier"] = OtherField.Any,
        ["cache_control"] = OtherField.Any,
        ["user_profile_id"] = OtherField.Any,
        ["workspace_id"] = OtherField.Any,
        ["diagnostics"] = OtherField.Any,
        ["speed"] = OtherField.Any,
        ["betas"] = OtherField.Any,
        ["anthropic_version"] = OtherField.Any,
        // What would run or hold something, or change the prompt.
        ["container"] = OtherField.Empty,
        ["mcp_servers"] = OtherField.Empty,
        ["context_management"] = new OtherField(
            value => RequestFields.IsEmpty(value) || (value.TryGetProperty("edits", out var edits) && RequestFields.IsEmpty(edits)),
            "an empty list of edits")
        {
            Schema = """
                {"anyOf":[{"type":"null"},{"type":"object","properties":{"edits":{"enum":[null,[],"",{}]}},"required":["edits"]}]}
                """,
        },
        ["inference_geo"] = OtherField.Text("global"),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The table, for who describes it.</summary>
    public static IReadOnlyDictionary<string, OtherField> All => Table;

    /// <summary>Reads over a field, or refuses it; false where nobody knows it.</summary>
    public static bool TryRead(string name, string field, JsonElement value, RequestFields fields)
    {
        if (!Table.TryGetValue(name, out var other))
            return false;
        // The table's predicates look into objects only.
        if (name == "context_management" && value.ValueKind != JsonValueKind.Object)
            fields.RefuseType(field, "an object", value);
        else if (!other.AsksForNothing(value))
            OtherFields.RefuseValue(field, value, other.Supported, fields);
        return true;
    }
}
