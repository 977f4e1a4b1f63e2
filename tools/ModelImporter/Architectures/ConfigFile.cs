using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Architectures;

/// <summary>Typed reads from <c>config.json</c>, or from an object within it; each failure names the file and the field.</summary>
internal sealed class ConfigFile
{
    private const long BytesMax = 4 << 20;

    private static readonly JsonWriterOptions WriterOptions = new()
    {
        Indented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly JsonElement _object;
    private readonly string _prefix;
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);
    private readonly HashSet<string> _watched = new(StringComparer.Ordinal);

    private ConfigFile(string path, JsonElement element, string prefix)
    {
        Path = path;
        _object = element;
        _prefix = prefix;
    }

    public string Path { get; }

    /// <summary>Name of the file.</summary>
    public const string Name = "config.json";

    /// <summary>Reads <c>config.json</c> of a checkpoint folder.</summary>
    /// <exception cref="InvalidDataException">It is missing or no JSON object.</exception>
    public static ConfigFile Open(string folder)
    {
        var path = System.IO.Path.Combine(folder, Name);
        if (!SourceFile.Exists(path))
            throw new InvalidDataException($"{path} is missing; the folder is no Hugging Face checkpoint.");
        return OpenFile(path);
    }

    /// <summary>Reads another file of the same kind.</summary>
    /// <exception cref="InvalidDataException">It is no JSON object.</exception>
    public static ConfigFile OpenFile(string path) =>
        SourceFile.Length(path) <= BytesMax ? Parse(path, File.ReadAllBytes(path))
            : throw new InvalidDataException($"{path}: more than {BytesMax} bytes.");

    /// <summary>Reads a configuration that came from elsewhere.</summary>
    /// <param name="path">Named in messages.</param>
    /// <param name="json">A JSON object.</param>
    public static ConfigFile Parse(string path, string json) => Parse(path, System.Text.Encoding.UTF8.GetBytes(json));

    private static ConfigFile Parse(string path, byte[] json)
    {
        try
        {
            using var document = JsonDocument.Parse(PythonNumbers.Spell(json), new JsonDocumentOptions { MaxDepth = 32 });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new InvalidDataException($"{path}: not a JSON object.");
            JsonTexts.Check(document.RootElement);
            return new ConfigFile(path, document.RootElement.Clone(), "");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{path}: {exception.Message}", exception);
        }
        catch (InvalidOperationException exception)
        {
            throw new InvalidDataException($"{path} holds half a character: {exception.Message}", exception);
        }
    }

    /// <summary>The same with fields that are missing in it; what it has stays, null included.</summary>
    public ConfigFile With(IEnumerable<KeyValuePair<string, JsonNode?>> missing)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, WriterOptions))
        {
            writer.WriteStartObject();
            foreach (var property in _object.EnumerateObject())
                property.WriteTo(writer);
            foreach (var (field, value) in missing.Where(field => !Names(field.Key)))
            {
                writer.WritePropertyName(field);
                writer.WriteRawValue(value?.ToJsonString() ?? "null");
            }

            writer.WriteEndObject();
        }

        return Parse(Path, stream.ToArray());
    }

    /// <summary>As JSON.</summary>
    public string ToJson() => _object.GetRawText();

    /// <summary>The same as a tree that may be changed.</summary>
    public JsonObject ToObject() => JsonObject.Create(_object)!;

    /// <summary>A field's value as it stands; the field must be there.</summary>
    public JsonNode? Node(string field) => JsonNode.Parse(_object.GetProperty(field).GetRawText());

    /// <summary>Whether it is an object within a file.</summary>
    public bool IsPart => _prefix.Length > 0;

    /// <summary>Fields that somebody has asked for, whether they are there or not.</summary>
    public IReadOnlySet<string> Asked => _asked;

    /// <summary>Those of them that change what is computed, and not only whether anything is.</summary>
    public IEnumerable<string> Honoured => _asked.Except(_watched);

    /// <summary>Fields that are looked at so that some values are refused, and have no other effect.</summary>
    public void Watch(params ReadOnlySpan<string> fields)
    {
        foreach (var field in fields)
        {
            _asked.Add(field);
            _watched.Add(field);
        }
    }

    /// <summary>Whether the field is there and not null.</summary>
    public bool Has(string field) => TryGet(field, out var value) && value.ValueKind != JsonValueKind.Null;

    /// <summary>Whether the field is there, if only as null.</summary>
    public bool Names(string field) => TryGet(field, out _);

    /// <summary>Whether the field is there and not null, false, or empty: what Python takes for true.</summary>
    public bool IsSet(string field) => TryGet(field, out var value) && IsSet(value);

    /// <summary>Fields that are set, in order.</summary>
    public IEnumerable<string> SetFields =>
        _object.EnumerateObject().Where(property => IsSet(property.Value)).Select(property => property.Name);

    /// <summary>Whether a field of this object is an object itself.</summary>
    public bool IsNested => _object.EnumerateObject().Any(property => property.Value.ValueKind == JsonValueKind.Object);

    /// <summary>Names of all fields, in order.</summary>
    public IEnumerable<string> Fields => _object.EnumerateObject().Select(property => property.Name);

    /// <summary>Refuses null where only a missing field has a default.</summary>
    /// <exception cref="InvalidDataException">One of the fields is null.</exception>
    public void RefuseNull(params ReadOnlySpan<string> fields)
    {
        foreach (var field in fields)
        {
            if (_object.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.Null)
                throw Bad(field, "a value; leave the field out for its default");
        }
    }

    /// <summary>A nested object, or null.</summary>
    public ConfigFile? Object(string field)
    {
        if (!Has(field))
            return null;
        var value = _object.GetProperty(field);
        return value.ValueKind == JsonValueKind.Object ? new ConfigFile(Path, value, _prefix + field + ".") : throw Bad(field, "an object");
    }

    public int Int(string field, int min, int max, int? fallback = null)
    {
        if (!Has(field))
            return fallback ?? throw Missing(field);
        var value = _object.GetProperty(field);
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt32(out var number) || number < min || number > max)
            throw Bad(field, $"a whole number from {min} to {max}");
        return number;
    }

    /// <summary>A number of either sign.</summary>
    public double Number(string field, double? fallback = null)
    {
        if (!Has(field))
            return fallback ?? throw Missing(field);
        var value = _object.GetProperty(field);
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out var number) || !double.IsFinite(number))
            throw Bad(field, "a number");
        return number;
    }

    /// <summary>A list of positive numbers; empty where the field is missing.</summary>
    public IReadOnlyList<float> PositiveNumbers(string field)
    {
        if (!Has(field))
            return [];
        var value = _object.GetProperty(field);
        if (value.ValueKind != JsonValueKind.Array
            || value.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.Number || !(item.GetDouble() is > 0 and < 1e9)))
            throw Bad(field, "a list of positive numbers");
        return [.. value.EnumerateArray().Select(item => item.GetSingle())];
    }

    /// <summary>A list of numbers from 0 on.</summary>
    public IReadOnlyList<double> NumbersFrom0(string field)
    {
        var value = _object.GetProperty(field);
        if (value.ValueKind != JsonValueKind.Array
            || value.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.Number || !(item.GetDouble() is >= 0 and < 1e12)))
            throw Bad(field, "a list of numbers from 0 on");
        return [.. value.EnumerateArray().Select(item => item.GetDouble())];
    }

    /// <summary>A list of numbers or truth values, each as whether it is set; null where the field is missing.</summary>
    public IReadOnlyList<bool>? Flags(string field)
    {
        if (!Has(field))
            return null;
        var value = _object.GetProperty(field);
        if (value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Any(item =>
            item.ValueKind is not (JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False)))
            throw Bad(field, "a list of 0 and 1");
        return [.. value.EnumerateArray().Select(IsSet)];
    }

    /// <summary>A list of whole numbers; empty where the field is missing.</summary>
    public IReadOnlyList<int> WholeNumbers(string field)
    {
        if (!Has(field))
            return [];
        var value = _object.GetProperty(field);
        if (value.ValueKind != JsonValueKind.Array
            || value.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.Number || !item.TryGetInt32(out _)))
            throw Bad(field, "a list of whole numbers");
        return [.. value.EnumerateArray().Select(item => item.GetInt32())];
    }

    /// <summary>A number in (0, <paramref name="max"/>].</summary>
    public double Positive(string field, double max, double? fallback = null)
    {
        if (!Has(field))
            return fallback ?? throw Missing(field);
        var value = _object.GetProperty(field);
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out var number) || !(number > 0) || number > max)
            throw Bad(field, $"a number above 0 and up to {max}");
        return number;
    }

    public bool Bool(string field, bool fallback)
    {
        if (!Has(field))
            return fallback;
        var value = _object.GetProperty(field);
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Bad(field, "true or false");
    }

    public string Text(string field, string? fallback = null)
    {
        if (!Has(field))
            return fallback ?? throw Missing(field);
        var value = _object.GetProperty(field);
        return value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Bad(field, "a text");
    }

    /// <summary>A list of texts; empty where the field is missing.</summary>
    public IReadOnlyList<string> Texts(string field)
    {
        if (!Has(field))
            return [];
        var value = _object.GetProperty(field);
        if (value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.String))
            throw Bad(field, "a list of texts");
        return [.. value.EnumerateArray().Select(item => item.GetString()!)];
    }

    /// <summary>Whether the field is a text.</summary>
    public bool IsText(string field) => TryGet(field, out var value) && value.ValueKind == JsonValueKind.String;

    /// <summary>A text, or a list of them; empty where the field is missing.</summary>
    public IReadOnlyList<string> OneOrMoreTexts(string field) => IsText(field) ? [Text(field)] : Texts(field);

    /// <summary>A whole number, or a list of them; empty where the field is missing.</summary>
    public IReadOnlyList<int> OneOrMoreWholeNumbers(string field) =>
        Has(field) && _object.GetProperty(field).ValueKind == JsonValueKind.Number
            ? [Int(field, int.MinValue, int.MaxValue)] : WholeNumbers(field);

    /// <summary>Checks a field that is missing, null, an id or a list of ids.</summary>
    /// <exception cref="InvalidDataException">It is something else, or an id is not below <paramref name="count"/>.</exception>
    public void CheckIds(string field, int count)
    {
        if (!Has(field))
            return;
        var value = _object.GetProperty(field);
        var items = value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().ToArray() : [value];
        if (items.Any(item => item.ValueKind != JsonValueKind.Number || !item.TryGetInt32(out var id) || id < 0 || id >= count))
            throw Bad(field, $"an id below the vocabulary's {count}, nor a list of such");
    }

    /// <summary>A field that this importer has no graph for.</summary>
    public InvalidDataException Unsupported(string field, string value, string supported) =>
        new($"{Path}: {_prefix}{field} is {value}; supported: {supported}.");

    private static bool IsSet(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.False => false,
        JsonValueKind.Array => value.GetArrayLength() > 0,
        JsonValueKind.Object => value.EnumerateObject().Any(),
        JsonValueKind.String => !value.ValueEquals(""),
        JsonValueKind.Number => !value.TryGetDouble(out var number) || number != 0,
        _ => true,
    };

    private bool TryGet(string field, out JsonElement value)
    {
        _asked.Add(field);
        return _object.TryGetProperty(field, out value);
    }

    private InvalidDataException Missing(string field) => new($"{Path}: {_prefix}{field} is missing.");

    private InvalidDataException Bad(string field, string wanted) =>
        new($"{Path}: {_prefix}{field} is {Shorten(_object.GetProperty(field).GetRawText())}, not {wanted}.");

    private static string Shorten(string text) => text.Length <= 60 ? text : text[..60] + "…";
}
