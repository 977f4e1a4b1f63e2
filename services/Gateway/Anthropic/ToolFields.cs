using System.Buffers;
using System.Text;
using System.Text.Json;
using Parley.Gateway.Chat;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.Anthropic;

/// <summary>The tools of a request, and whether they are to be called.</summary>
internal sealed class ToolFields(RequestFields fields)
{
    private const int TypeShownMax = 40;

    private readonly List<string> _tools = [];
    private readonly HashSet<string> _eager = new(StringComparer.Ordinal);

    /// <summary>Each as the JSON object that chat templates read.</summary>
    public IReadOnlyList<string> ToolsJson => _tools;

    /// <summary>Those whose arguments are told while they are written.</summary>
    public IReadOnlySet<string> Eager => _eager;

    public ToolChoice Choice { get; private set; }

    /// <summary>Of the tool that must be called, where it is a given one.</summary>
    public string Name { get; private set; } = "";

    public bool Parallel { get; private set; } = true;

    public void Read(string path, JsonElement list)
    {
        foreach (var (field, tool) in fields.Items(path, list))
            ReadTool(field, tool);
    }

    public void ReadChoice(string path, JsonElement choice)
    {
        var type = "";
        foreach (var (name, field, value) in fields.Members(path, choice))
        {
            switch (name)
            {
                case "type":
                    type = fields.Text(field, value) ?? "";
                    break;
                case "name":
                    Name = fields.Text(field, value) ?? "";
                    break;
                case "disable_parallel_tool_use":
                    Parallel = fields.Flag(field, value) != true;
                    break;
            }
        }

        Choice = type switch
        {
            "none" => ToolChoice.None,
            "any" => ToolChoice.Required,
            "tool" => ToolChoice.Named,
            _ => ToolChoice.Auto,
        };
        if (type is not ("auto" or "any" or "tool" or "none") && choice.ValueKind == JsonValueKind.Object && choice.GetPropertyCount() > 0)
        {
            fields.Refuse(
                $"{path}.type", "must be auto, any, tool or none", type.Length == 0 ? ViolationReason.Missing : ViolationReason.Value);
        }
    }

    private void ReadTool(string path, JsonElement tool)
    {
        if (tool.ValueKind != JsonValueKind.Object)
        {
            fields.RefuseType(path, "an object", tool);
            return;
        }

        string? name = null, description = null;
        JsonElement? schema = null;
        bool? strict = null;
        var isEager = false;
        foreach (var (key, field, value) in fields.Members(path, tool))
        {
            switch (key)
            {
                case "type" when !RequestFields.Is(value, "custom"):
                    RefuseType(field, value);
                    return;
                case "name":
                    name = fields.Text(field, value);
                    break;
                case "description":
                    description = fields.Text(field, value);
                    break;
                case "input_schema" when value.ValueKind == JsonValueKind.Object:
                    schema = value;
                    break;
                case "input_schema":
                    fields.RefuseType(field, "an object", value);
                    return;
                case "strict":
                    strict = fields.Flag(field, value);
                    break;
                case "eager_input_streaming":
                    isEager = fields.Flag(field, value) == true;
                    break;
                default:
                    // cache_control, who may call it, when it is loaded, examples beside the schema.
                    break;
            }
        }

        if (string.IsNullOrEmpty(name))
            fields.Refuse($"{path}.name", "is missing", ViolationReason.Missing);
        else if (schema is not { } parameters)
            fields.Refuse($"{path}.input_schema", "is missing", ViolationReason.Missing);
        else
        {
            _tools.Add(Write(name, description, parameters, strict));
            if (isEager)
                _eager.Add(name);
        }
    }

    private void RefuseType(string field, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String)
            fields.RefuseType(field, "a string", value);
        else
            fields.Refuse(field, $"'{BoundedText.Cut(value.GetString()!, TypeShownMax)}' is a tool that Anthropic's servers run or define; "
                + "here are the caller's own only (type 'custom')", ViolationReason.Unsupported);
    }

    private static string Write(string name, string? description, JsonElement parameters, bool? strict)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, ChatCompletionWriter.JsonOptions))
        {
            json.WriteStartObject();
            json.WriteString("type", "function");
            json.WriteStartObject("function");
            json.WriteString("name", name);
            if (description is not null)
                json.WriteString("description", description);
            json.WritePropertyName("parameters");
            json.WriteRawValue(parameters.GetRawText());
            if (strict is { } isStrict)
                json.WriteBoolean("strict", isStrict);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
