using System.Text.Json;

namespace Parley.Generator.Model;

/// <summary>Reads <c>config.json</c> and <c>generation_config.json</c> into <see cref="GenerationDefaults"/>.</summary>
internal static class GenerationConfigFile
{
    /// <summary>Name of the model's configuration within a package.</summary>
    public const string ConfigName = "config.json";

    /// <summary>Name of the generation defaults within a package.</summary>
    public const string Name = "generation_config.json";

    /// <summary>Reads the defaults of a package; the generation file may be missing, the configuration may not.</summary>
    /// <exception cref="InvalidDataException">A file is broken or a field is of the wrong kind or range; the message names
    /// both.</exception>
    public static GenerationDefaults Read(string folder, int vocabularySize)
    {
        var configPath = Path.Combine(folder, ConfigName);
        using var config = Parse(configPath);
        var path = Path.Combine(folder, Name);
        if (!File.Exists(path))
            return new GenerationDefaults { EosTokenIds = ReadEos(config.RootElement, configPath, vocabularySize) ?? [] };

        using var document = Parse(path);
        var root = document.RootElement;
        var eos = ReadEos(root, path, vocabularySize) ?? ReadEos(config.RootElement, configPath, vocabularySize) ?? [];
        var common = new GenerationDefaults
        {
            EosTokenIds = eos,
            RepetitionPenalty = ReadFloat(root, path, "repetition_penalty", 1, value => value > 0),
            NoRepeatNgramSize = ReadInteger(root, path, "no_repeat_ngram_size") ?? 0,
            MinNewTokens = ReadInteger(root, path, "min_new_tokens") ?? 0,
            MaxNewTokens = ReadInteger(root, path, "max_new_tokens"),
        };
        if (!ReadBoolean(root, path, "do_sample"))
            return common;
        return common with
        {
            DoSample = true,
            Temperature = ReadFloat(root, path, "temperature", 1, value => value >= 0),
            TopK = ReadInteger(root, path, "top_k") ?? GenerationDefaults.ImplicitTopK,
            TopP = ReadFloat(root, path, "top_p", 1, value => value is > 0 and <= 1),
            MinP = ReadFloat(root, path, "min_p", 0, value => value is >= 0 and <= 1),
            TypicalP = ReadFloat(root, path, "typical_p", 1, value => value is > 0 and <= 1),
        };
    }

    private static JsonDocument Parse(string path)
    {
        try
        {
            using var stream = File.OpenRead(path);
            var document = JsonDocument.Parse(stream);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
                return document;
            document.Dispose();
            throw new InvalidDataException($"{path}: the file is not a JSON object.");
        }
        catch (FileNotFoundException exception)
        {
            throw new InvalidDataException($"{path}: the file is missing; import the model again.", exception);
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{path}: {exception.Message}", exception);
        }
    }

    private static List<uint>? ReadEos(JsonElement root, string path, int vocabularySize)
    {
        if (!TryGet(root, "eos_token_id", out var value))
            return null;
        var elements = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : new[] { value };
        var ids = new List<uint>();
        foreach (var element in elements)
        {
            if (element.ValueKind != JsonValueKind.Number || !element.TryGetUInt32(out var id) || id >= vocabularySize)
                throw Fault(path, "eos_token_id", element, $"ids below {vocabularySize}");
            ids.Add(id);
        }

        return ids;
    }

    private static float ReadFloat(JsonElement root, string path, string field, float missing, Func<float, bool> isValid)
    {
        if (!TryGet(root, field, out var value))
            return missing;
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetSingle(out var number) || !isValid(number))
            throw Fault(path, field, value, "a number in its range");
        return number;
    }

    private static int? ReadInteger(JsonElement root, string path, string field)
    {
        if (!TryGet(root, field, out var value))
            return null;
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt32(out var number) || number < 0)
            throw Fault(path, field, value, "an integer of at least 0");
        return number;
    }

    private static bool ReadBoolean(JsonElement root, string path, string field)
    {
        if (!TryGet(root, field, out var value))
            return false;
        if (value.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
            throw Fault(path, field, value, "true or false");
        return value.GetBoolean();
    }

    private static bool TryGet(JsonElement root, string field, out JsonElement value) =>
        root.TryGetProperty(field, out value) && value.ValueKind != JsonValueKind.Null;

    private static InvalidDataException Fault(string path, string field, JsonElement value, string expected) =>
        new($"{path}: {field} is {value.GetRawText()}, expected {expected}.");
}
