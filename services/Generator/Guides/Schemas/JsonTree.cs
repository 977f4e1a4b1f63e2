using System.Text;
using System.Text.Json;
using Parley.Generator.Guides.Limits;

namespace Parley.Generator.Guides.Schemas;

/// <summary>
/// A JSON value as it stands in a text: members in their order, numbers as they are written. Each place is an object of its own.
/// </summary>
internal sealed class JsonTree
{
    private readonly Dictionary<string, JsonTree>? _byName;
    private readonly JsonTree? _parent;
    private readonly string _step;

    private JsonTree(JsonElement element, JsonTree? parent, string step)
    {
        (_parent, _step) = (parent, step);
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                Kind = JsonKind.Object;
                _byName = [];
                foreach (var member in element.EnumerateObject())
                    _byName[member.Name] = new JsonTree(member.Value, this, member.Name);
                Members = [.. _byName];
                break;
            case JsonValueKind.Array:
                Kind = JsonKind.Array;
                Items = [.. element.EnumerateArray().Select((item, index) => new JsonTree(item, this, $"{index}"))];
                break;
            case JsonValueKind.String:
                Kind = JsonKind.String;
                Text = element.GetString()!;
                break;
            case JsonValueKind.Number:
                Kind = JsonKind.Number;
                Text = element.GetRawText();
                break;
            default:
                Kind = element.ValueKind switch
                {
                    JsonValueKind.True => JsonKind.True,
                    JsonValueKind.False => JsonKind.False,
                    _ => JsonKind.Null,
                };
                break;
        }
    }

    public JsonKind Kind { get; }

    /// <summary>An object's members in order; of a name that stands there twice the last value, at the first place.</summary>
    public IReadOnlyList<KeyValuePair<string, JsonTree>> Members { get; } = [];

    /// <summary>An array's items.</summary>
    public IReadOnlyList<JsonTree> Items { get; } = [];

    /// <summary>A string's characters, or a number as it is written.</summary>
    public string Text { get; } = "";

    /// <summary>Where the value stands: a JSON pointer.</summary>
    public string Pointer
    {
        get
        {
            if (_parent is null)
                return "";
            var step = _step.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);
            return $"{_parent.Pointer}/{step}";
        }
    }

    /// <summary>Reads a text.</summary>
    /// <exception cref="GuideException">It is no JSON, too long or nested too deeply.</exception>
    public static JsonTree Parse(string text)
    {
        if (Encoding.UTF8.GetByteCount(text) > GuideLimits.SchemaBytesMax)
            throw new GuideException("", $"the schema is longer than {GuideLimits.SchemaBytesMax} bytes");
        try
        {
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = GuideLimits.SchemaDepthMax });
            return new JsonTree(document.RootElement, null, "");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new GuideException("", $"the schema is no JSON: {exception.Message}");
        }
    }

    /// <summary>A member of an object; null when there is none.</summary>
    public JsonTree? Get(string name) => _byName?.GetValueOrDefault(name);
}
