using System.Text.Json;

namespace Parley.Gateway.OpenAi;

/// <summary>The fields that say how many answers there are, what ends them, and how they are sent.</summary>
/// <param name="fields">Reads values.</param>
/// <param name="readUnknown">Takes the name of a field that nobody knows.</param>
internal sealed class AnswerFields(RequestFields fields, Action<string> readUnknown)
{
    public uint Choices { get; private set; } = 1;

    public IReadOnlyList<string> Stop { get; private set; } = [];

    public bool IncludeStop { get; private set; }

    public bool Stream { get; private set; }

    public bool IncludeUsage { get; private set; }

    /// <summary>Reads a field; false where it is none of these.</summary>
    public bool TryRead(string name, string field, JsonElement value)
    {
        switch (name)
        {
            case "n":
                fields.Claim(name, field, value);
                Choices = fields.Unsigned(field, value) ?? 1;
                return true;
            case "stop":
                fields.Claim(name, field, value);
                ReadStop(field, value);
                return true;
            case "include_stop_str_in_output":
                IncludeStop = fields.Flag(field, value) ?? false;
                return true;
            case "stream":
                Stream = fields.Flag(field, value) ?? false;
                return true;
            case "stream_options":
                ReadStreamOptions(field, value);
                return true;
            case "usage":
                ReadUsage(field, value);
                return true;
            default:
                return false;
        }
    }

    private void ReadStop(string field, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String)
            Stop = RequestFields.IsEmpty(value) ? [] : [value.GetString()!];
        else
            Stop = [.. fields.Items(field, value).Select(item => fields.Text(item.Field, item.Value)).OfType<string>()];
    }

    private void ReadStreamOptions(string path, JsonElement options)
    {
        foreach (var (name, field, value) in fields.Members(path, options))
        {
            switch (name)
            {
                case "include_usage":
                    IncludeUsage |= fields.Flag(field, value) ?? false;
                    break;
                case "include_obfuscation":
                    // Padding against those who measure packets; there is none here, and no text depends on it.
                    break;
                case "continuous_usage_stats":
                    if (value.ValueKind != JsonValueKind.False)
                        OtherFields.RefuseValue(field, value, "false", fields);
                    break;
                default:
                    readUnknown(field);
                    break;
            }
        }
    }

    /// <summary>OpenRouter's way of asking for what a whole answer always has.</summary>
    private void ReadUsage(string path, JsonElement usage)
    {
        foreach (var (name, field, value) in fields.Members(path, usage))
        {
            if (name == "include")
                IncludeUsage |= fields.Flag(field, value) ?? false;
            else
                readUnknown(field);
        }
    }
}
