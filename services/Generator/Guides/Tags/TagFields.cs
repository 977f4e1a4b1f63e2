using System.Globalization;
using System.Text.Json;
using Parley.Generator.Guides.Limits;

namespace Parley.Generator.Guides.Tags;

/// <summary>The fields of one object of a structural tag: what is wrong is refused with its place, and so is what nobody knows.</summary>
internal sealed class TagFields
{
    private readonly JsonElement _element;
    private readonly HashSet<string> _read = new(StringComparer.Ordinal) { "type" };

    public TagFields(JsonElement element, string path)
    {
        (_element, Path) = (element, path);
        if (element.ValueKind != JsonValueKind.Object)
            throw Fault("", "must be an object");
    }

    /// <summary>JSON pointer of the object.</summary>
    public string Path { get; }

    /// <summary>What it is.</summary>
    public string Type => Text("type");

    /// <summary>A refusal of a field.</summary>
    public GuideException Fault(string field, string message) => new(field.Length == 0 ? Path : PathOf(field), message);

    public string PathOf(string field) => $"{Path}/{field.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)}";

    public bool Has(string field) => Get(field) is not null;

    /// <summary>A field that must be there.</summary>
    public JsonElement Need(string field) => Get(field) ?? throw Fault(field, "is missing");

    /// <summary>A field; null where it is absent or null.</summary>
    public JsonElement? Get(string field)
    {
        _read.Add(field);
        return _element.TryGetProperty(field, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }

    public string Text(string field) => Text(Need(field), field);

    public bool Flag(string field, bool otherwise) => Get(field)?.ValueKind switch
    {
        null => otherwise,
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Fault(field, "must be true or false"),
    };

    public int Number(string field, int least)
    {
        var value = Need(field);
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= least
            ? number
            : throw Fault(field, string.Create(CultureInfo.InvariantCulture, $"must be an integer of at least {least}"));
    }

    /// <summary>The items of an array.</summary>
    /// <param name="field">The array.</param>
    /// <param name="least">How many there must be.</param>
    public IReadOnlyList<(JsonElement Value, string Field)> Items(string field, int least)
    {
        if (least == 0 && Get(field) is null)
            return [];
        var value = Need(field);
        if (value.ValueKind != JsonValueKind.Array)
            throw Fault(field, "must be an array");
        return value.GetArrayLength() >= least
            ? [.. value.EnumerateArray().Select((item, index) => (item, string.Create(CultureInfo.InvariantCulture, $"{field}/{index}")))]
            : throw Fault(field, $"must have at least {least} item");
    }

    /// <summary>The texts of an array, none of which is empty.</summary>
    public IReadOnlyList<string> Texts(string field, int least) =>
        [.. Items(field, least).Select(item => TextOf(item.Value, item.Field, mayBeEmpty: false))];

    /// <summary>A text in a place within this object.</summary>
    public string TextOf(JsonElement value, string place, bool mayBeEmpty)
    {
        if (value.ValueKind != JsonValueKind.String)
            throw new GuideException($"{Path}/{place}", "must be a text");
        var text = ReadText(value, place);
        return text.Length > 0 || mayBeEmpty ? text : throw new GuideException($"{Path}/{place}", "must not be empty");
    }

    /// <summary>Refuses fields that nobody has asked for.</summary>
    public void Finish()
    {
        foreach (var member in _element.EnumerateObject())
        {
            if (!_read.Contains(member.Name) && member.Value.ValueKind != JsonValueKind.Null)
                throw Fault(member.Name, $"is not supported here; the fields are {string.Join(", ", _read)}");
        }
    }

    private string Text(JsonElement value, string field) => value.ValueKind == JsonValueKind.String
        ? ReadText(value, field)
        : throw Fault(field, "must be a text");

    private string ReadText(JsonElement value, string place)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new GuideException($"{Path}/{place}", "holds half a surrogate pair");
        }
    }
}
