using System.Text;
using Parley.Generator.Guides.Automata;

namespace Parley.Generator.Guides.Schemas;

/// <summary>Writes JSON as a compact writer does.</summary>
internal static class CompactJson
{
    /// <summary>The value without whitespace, numbers as they stand; members in their order, or sorted by name.</summary>
    public static string Write(JsonTree value, bool sorted = false)
    {
        var text = new StringBuilder();
        Write(value, sorted, text);
        return text.ToString();
    }

    private static void Write(JsonTree value, bool sorted, StringBuilder text)
    {
        switch (value.Kind)
        {
            case JsonKind.String:
                WriteString(value.Text, text);
                break;
            case JsonKind.Number:
                text.Append(value.Text);
                break;
            case JsonKind.Array:
                text.Append('[');
                for (var i = 0; i < value.Items.Count; i++)
                {
                    text.Append(i > 0 ? "," : "");
                    Write(value.Items[i], sorted, text);
                }

                text.Append(']');
                break;
            case JsonKind.Object:
                text.Append('{');
                var first = true;
                foreach (var (name, member) in sorted ? value.Members.OrderBy(member => member.Key, StringComparer.Ordinal)
                    : value.Members.AsEnumerable())
                {
                    text.Append(first ? "" : ",");
                    first = false;
                    WriteString(name, text);
                    text.Append(':');
                    Write(member, sorted, text);
                }

                text.Append('}');
                break;
            default:
                text.Append(value.Kind switch { JsonKind.True => "true", JsonKind.False => "false", _ => "null" });
                break;
        }
    }

    private static void WriteString(string value, StringBuilder text)
    {
        text.Append('"');
        text.Append(ByteSequences.Written(value) is { } bytes ? Encoding.UTF8.GetString(bytes) : value);
        text.Append('"');
    }
}
