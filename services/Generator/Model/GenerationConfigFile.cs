using System.Text.Json;
using Parley.Generator.Sequences;

namespace Parley.Generator.Model;

/// <summary>Reads <c>config.json</c> and <c>generation_config.json</c> into <see cref="GenerationDefaults"/>.</summary>
internal static class GenerationConfigFile
{
    /// <summary>Name of the model's configuration within a package.</summary>
    public const string ConfigName = "config.json";

    private const long BytesMax = 4 << 20;

    /// <summary>Name of the generation defaults within a package.</summary>
    public const string Name = "generation_config.json";

    /// <summary>The file of a package that the defaults are read from.</summary>
    public static string PathOf(string folder) =>
        Path.Combine(folder, File.Exists(Path.Combine(folder, Name)) ? Name : ConfigName);

    /// <summary>Reads the defaults of a package; the generation file may be missing, the configuration may not.</summary>
    /// <exception cref="InvalidDataException">A file is broken or a field is of the wrong kind or range; the message names
    /// both.</exception>
    public static GenerationDefaults Read(string folder, int vocabularySize)
    {
        var configPath = Path.Combine(folder, ConfigName);
        using var config = Parse(configPath);
        var path = Path.Combine(folder, Name);
        // As transformers: old models have these keys in their configuration, and those count where the file of their own is missing.
        if (!File.Exists(path))
            return Read(config.RootElement, configPath, ReadEos(config.RootElement, configPath, vocabularySize) ?? [], vocabularySize);

        using var document = Parse(path);
        // A file without the key leaves transformers without an end; like other servers we take the configuration's.
        var eos = ReadEos(document.RootElement, path, vocabularySize) ?? ReadEos(config.RootElement, configPath, vocabularySize) ?? [];
        return Read(document.RootElement, path, eos, vocabularySize);
    }

    /// <summary>Whether a package's configuration describes a tower for images, which no package has.</summary>
    /// <exception cref="InvalidDataException">The file is broken.</exception>
    public static bool HasVision(string folder)
    {
        using var config = Parse(Path.Combine(folder, ConfigName));
        return TryGet(config.RootElement, "vision_config", out var vision) && vision.ValueKind == JsonValueKind.Object;
    }

    private static GenerationDefaults Read(JsonElement root, string path, List<uint> eos, int vocabularySize)
    {
        var common = new GenerationDefaults
        {
            EosTokenIds = eos,
            RepetitionPenalty = ReadFloat(root, path, "repetition_penalty", 1, value => value > 0),
            NoRepeatNgramSize = ReadInteger(root, path, "no_repeat_ngram_size") ?? 0,
            MinNewTokens = ReadInteger(root, path, "min_new_tokens"),
            MinLength = ReadInteger(root, path, "min_length") ?? 0,
            MaxNewTokens = ReadInteger(root, path, "max_new_tokens", least: 1),
            MaxLength = ReadInteger(root, path, "max_length", least: 1),
            SuppressTokenIds = ReadBans(root, path, "suppress_tokens", vocabularySize),
            BeginSuppressTokenIds = ReadBans(root, path, "begin_suppress_tokens", vocabularySize),
            BadRuns = [.. ReadBadWords(root, path, eos, vocabularySize)],
            RunBias = [.. ReadSequenceBias(root, path, vocabularySize)],
            EncoderRepetitionPenalty = ReadFloat(root, path, "encoder_repetition_penalty", 1, value => value > 0),
            LengthDecay = ReadLengthDecay(root, path),
            ForcedBosTokenId = ReadIds(root, "forced_bos_token_id", path, vocabularySize) is [var bos, ..] ? bos : null,
            ForcedEosTokenIds = ReadIds(root, "forced_eos_token_id", path, vocabularySize) ?? [],
            StopStrings = ReadStopStrings(root, path),
            Unhonoured = UnhonouredDefaults.Find(root),
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
            TopH = ReadFloat(root, path, "top_h", 0, value => value is > 0 and <= 1),
            EpsilonCutoff = ReadCutoff(root, path, "epsilon_cutoff"),
            EtaCutoff = ReadCutoff(root, path, "eta_cutoff"),
        };
    }

    private static JsonDocument Parse(string path)
    {
        try
        {
            using var stream = File.OpenRead(path);
            if (stream.Length > BytesMax)
                throw new InvalidDataException($"{path}: more than {BytesMax} bytes.");
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

    private static List<uint>? ReadEos(JsonElement root, string path, int vocabularySize) =>
        ReadIds(root, "eos_token_id", path, vocabularySize);

    /// <summary>One id or several; null where there is none.</summary>
    private static List<uint>? ReadIds(JsonElement root, string field, string path, int vocabularySize)
    {
        if (!TryGet(root, field, out var value))
            return null;
        var elements = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : new[] { value };
        var ids = new List<uint>();
        foreach (var element in elements)
        {
            if (element.ValueKind != JsonValueKind.Number || !element.TryGetUInt32(out var id) || id >= vocabularySize)
                throw Fault(path, field, element, $"ids below {vocabularySize}");
            ids.Add(id);
        }

        return ids;
    }

    /// <summary>Ids that are not to be chosen; one that the vocabulary does not have never is.</summary>
    private static uint[] ReadBans(JsonElement root, string path, string field, int vocabularySize) =>
        TryGet(root, field, out var value) ? [.. ReadRun(value, path, field).Where(id => id < vocabularySize).Distinct()] : [];

    /// <summary>Runs that are ruled out; as in transformers, one that is an end-of-sequence id alone is none.</summary>
    private static IEnumerable<IReadOnlyList<uint>> ReadBadWords(JsonElement root, string path, List<uint> eos, int vocabularySize)
    {
        const string Field = "bad_words_ids";
        if (!TryGet(root, Field, out var value))
            yield break;
        if (value.ValueKind != JsonValueKind.Array)
            throw Fault(path, Field, value, "lists of ids");
        foreach (var element in value.EnumerateArray())
        {
            var run = ReadRun(element, path, Field);
            if (run is [] || (run is [var only] && eos.Contains(only)) || run.Exists(id => id >= vocabularySize))
                continue;
            yield return run;
        }
    }

    private static IEnumerable<TokenRunBias> ReadSequenceBias(JsonElement root, string path, int vocabularySize)
    {
        const string Field = "sequence_bias";
        if (!TryGet(root, Field, out var value))
            yield break;
        const string Expected = "a list of [ids, number]";
        if (value.ValueKind != JsonValueKind.Array)
            throw Fault(path, Field, value, Expected);
        foreach (var element in value.EnumerateArray())
        {
            if (element.ValueKind != JsonValueKind.Array || element.GetArrayLength() != 2
                || element[1].ValueKind != JsonValueKind.Number || !element[1].TryGetSingle(out var bias) || !float.IsFinite(bias))
            {
                throw Fault(path, Field, element, Expected);
            }

            var run = ReadRun(element[0], path, Field);
            if (run is not [] && !run.Exists(id => id >= vocabularySize))
                yield return new TokenRunBias(run, bias);
        }
    }

    private static LengthDecaySettings? ReadLengthDecay(JsonElement root, string path)
    {
        const string Field = "exponential_decay_length_penalty";
        if (!TryGet(root, Field, out var value))
            return null;
        if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 2
            && value[0].ValueKind == JsonValueKind.Number && value[0].TryGetInt32(out var start) && start >= 0
            && value[1].ValueKind == JsonValueKind.Number && value[1].TryGetSingle(out var factor) && factor > 0 && float.IsFinite(factor))
        {
            return new LengthDecaySettings(start, factor);
        }

        throw Fault(path, Field, value, "[tokens, factor]");
    }

    /// <summary>As in transformers, a number outside of 0 to 1 is none.</summary>
    private static float ReadCutoff(JsonElement root, string path, string field) =>
        ReadFloat(root, path, field, 0, _ => true) is > 0 and < 1 and var cutoff ? cutoff : 0;

    /// <summary>A list of ids. A negative one stands for none, as it does in old files.</summary>
    private static List<uint> ReadRun(JsonElement value, string path, string field)
    {
        if (value.ValueKind != JsonValueKind.Array)
            throw Fault(path, field, value, "a list of ids");
        var ids = new List<uint>();
        foreach (var element in value.EnumerateArray())
        {
            if (element.ValueKind != JsonValueKind.Number || !element.TryGetInt64(out var id) || id > uint.MaxValue)
                throw Fault(path, field, element, "ids");
            ids.Add(id < 0 ? uint.MaxValue : (uint)id);
        }

        return ids;
    }

    private static string[] ReadStopStrings(JsonElement root, string path)
    {
        const string Field = "stop_strings";
        if (!TryGet(root, Field, out var value))
            return [];
        var elements = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : new[] { value };
        if (Array.Exists(elements, element => !IsText(element)))
            throw Fault(path, Field, value, "a string or a list of strings, none of them empty");
        return [.. elements.Select(element => element.GetString()!).Distinct()];
    }

    private static bool IsText(JsonElement element)
    {
        try
        {
            return element.ValueKind == JsonValueKind.String && element.GetString()!.Length > 0;
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair: well-formed JSON, but no text.
            return false;
        }
    }

    private static float ReadFloat(JsonElement root, string path, string field, float missing, Func<float, bool> isValid)
    {
        if (!TryGet(root, field, out var value))
            return missing;
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetSingle(out var number) || !isValid(number))
            throw Fault(path, field, value, "a number in its range");
        return number;
    }

    private static int? ReadInteger(JsonElement root, string path, string field, int least = 0)
    {
        if (!TryGet(root, field, out var value))
            return null;
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt64(out var number) || number < least)
            throw Fault(path, field, value, $"an integer of at least {least}");
        return (int)Math.Min(number, int.MaxValue);
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
