using System.Text.Json;
using Parley.PackageFormat;

namespace Parley.TokenizerFormat;

/// <summary>The small JSON files of a Hugging Face folder or model package.</summary>
internal sealed class ModelFolder
{
    public const string TokenizerConfig = "tokenizer_config.json";

    /// <summary>model.onnx and model.data; tokenizer.model does not begin so.</summary>
    private const string WeightsStart = "model.";

    private const long SmallBytesMax = 64 << 20;
    private const long TokenizerBytesMax = 512 << 20;

    private const string ChatTemplateFile = "chat_template.jinja";

    private const string ResponseTemplateFile = "response_template.json";

    /// <exception cref="InvalidDataException">
    /// There is no such folder, it is empty, or a file that its manifest lists is not whole.
    /// </exception>
    public ModelFolder(string path)
    {
        Path = System.IO.Path.GetFullPath(path);
        var isThere = Directory.Exists(Path) && Directory.EnumerateFileSystemEntries(Path).Any();
        if (!isThere && PackageFolder.Fault(Path) is { } fault)
            throw new InvalidDataException($"Tokenizer:PackageDirectory: {fault}");
        CheckPackage();
    }

    public string Path { get; }

    /// <summary>The model's name: the package's, that of a Hub snapshot, the configuration's, or the folder's.</summary>
    public string Name => TryReadName("parley.json", "name") ?? HubSnapshot.RepositoryOf(Path)
        ?? TryReadName("config.json", "_name_or_path")
        ?? System.IO.Path.GetFileName(Path.TrimEnd(System.IO.Path.DirectorySeparatorChar));

    /// <summary>A file's JSON, or null when the folder has no such file.</summary>
    /// <exception cref="InvalidDataException">The file is not valid JSON.</exception>
    public JsonElement? TryRead(string file)
    {
        var path = System.IO.Path.Combine(Path, file);
        if (!File.Exists(path))
            return null;
        try
        {
            var json = JsonElement.Parse(ReadText(path));
            JsonTexts.Check(json);
            return json;
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{path} is not valid JSON: {exception.Message}", exception);
        }
        catch (InvalidOperationException exception)
        {
            throw new InvalidDataException($"{path} holds half a character: {exception.Message}", exception);
        }
    }

    /// <summary>The chat templates by name, each with the place it was read from; a file wins over the configuration.</summary>
    public IReadOnlyDictionary<string, (string Source, string Place)> ReadTemplates()
    {
        var templates = new SortedDictionary<string, (string, string)>(StringComparer.Ordinal);
        ReadConfigured(templates);
        var file = System.IO.Path.Combine(Path, ChatTemplateFile);
        if (File.Exists(file))
            templates["default"] = (ReadText(file), ChatTemplateFile);
        foreach (var place in TokenizerFiles.Templates(Path))
            templates[System.IO.Path.GetFileNameWithoutExtension(place)] = (ReadText(System.IO.Path.Combine(Path, place)), place);

        return templates;
    }

    /// <summary>
    /// How an answer becomes a message, as JSON: what a user has put into the folder, else what tokenizer_config.json says; empty where
    /// neither does.
    /// </summary>
    public string ReadResponseTemplate()
    {
        if (TryRead(ResponseTemplateFile) is { } added)
            return added.GetRawText();
        return TryRead(TokenizerConfig) is { ValueKind: JsonValueKind.Object } config
            && config.TryGetProperty("response_template", out var own) && own.ValueKind == JsonValueKind.Object ? own.GetRawText() : "";
    }

    /// <summary>The bytes of the tokenizer's file.</summary>
    /// <exception cref="InvalidDataException">It is longer than any tokenizer.</exception>
    public static byte[] ReadTokenizer(string path)
    {
        CheckLength(path, TokenizerBytesMax);
        return File.ReadAllBytes(path);
    }

    /// <summary>
    /// A package that was copied in part may lack its chat template and look whole all the same. The weights are the Generator's: a
    /// Tokenizer does without them.
    /// </summary>
    private void CheckPackage()
    {
        var manifest = System.IO.Path.Combine(Path, ModelManifest.FileName);
        if (!File.Exists(manifest))
            return;
        foreach (var (name, file) in ModelManifest.Parse(ReadText(manifest), manifest).Files)
        {
            if (!name.StartsWith(WeightsStart, StringComparison.Ordinal) && PackageFolder.Fault(Path, name, file) is { } fault)
                throw new InvalidDataException(fault);
        }
    }

    private static string ReadText(string path)
    {
        CheckLength(path, SmallBytesMax);
        return File.ReadAllText(path);
    }

    private static void CheckLength(string path, long most)
    {
        using var file = File.OpenHandle(path);
        if (RandomAccess.GetLength(file) > most)
            throw new InvalidDataException($"{path} has more than {most} bytes.");
    }

    private string? TryReadName(string file, string key) =>
        TryRead(file) is { ValueKind: JsonValueKind.Object } json && json.TryGetProperty(key, out var value)
            && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } name ? name : null;

    private void ReadConfigured(SortedDictionary<string, (string Source, string Place)> templates)
    {
        if (TryRead(TokenizerConfig) is not { ValueKind: JsonValueKind.Object } config
            || !config.TryGetProperty("chat_template", out var value) || value.ValueKind == JsonValueKind.Null)
            return;
        const string Place = $"{TokenizerConfig}: chat_template";
        if (value.ValueKind == JsonValueKind.String)
        {
            templates["default"] = (value.GetString()!, Place);
            return;
        }

        var root = new JsonSection(config, TokenizerConfig);
        foreach (var item in root.Items("chat_template"))
            templates[item.Text("name")] = (item.Text("template"), item.Place);
    }
}
