namespace Parley.PackageFormat;

/// <summary>
/// Which file of a folder is its tokenizer: tokenizer.json, else a tiktoken file, else tokenizer.model. The Tokenizer service follows the
/// same order, and the hash of this file is what pairs it with a Generator. And which names a package's files may have.
/// </summary>
public static class TokenizerFiles
{
    public const string Json = "tokenizer.json";
    public const string SentencePiece = "tokenizer.model";
    public const string TiktokenEnding = ".tiktoken";

    /// <summary>The one folder within a model folder or package: further chat templates, each named by its file.</summary>
    public const string MoreTemplates = "additional_chat_templates";

    private const string TemplateEnding = ".jinja";

    /// <summary>The one among the names that counts; null where there is none.</summary>
    public static string? Choose(IEnumerable<string> names)
    {
        var present = names.ToHashSet(StringComparer.Ordinal);
        if (present.Contains(Json))
            return Json;
        var tiktoken = present.Where(name => name.EndsWith(TiktokenEnding, StringComparison.Ordinal)).Min(StringComparer.Ordinal);
        return tiktoken ?? (present.Contains(SentencePiece) ? SentencePiece : null);
    }

    /// <summary>Names of a folder's further chat templates, in order, with a slash between folder and file.</summary>
    public static IReadOnlyList<string> Templates(string folder)
    {
        var templates = Path.Combine(folder, MoreTemplates);
        return Directory.Exists(templates)
            ? [.. Directory.EnumerateFiles(templates, "*" + TemplateEnding).Select(path => $"{MoreTemplates}/{Path.GetFileName(path)}")
                .Order(StringComparer.Ordinal)]
            : [];
    }

    /// <summary>Whether a name is that of a file in a package: of its own folder, or one of the further chat templates.</summary>
    public static bool IsInPackage(string name)
    {
        const string Start = MoreTemplates + "/";
        var file = name.StartsWith(Start, StringComparison.Ordinal) && name.EndsWith(TemplateEnding, StringComparison.Ordinal)
            ? name[Start.Length..]
            : name;
        return file.Length > 0 && Path.GetFileName(file) == file && file is not ("." or "..");
    }
}
