namespace Parley.ModelImporter.Package;

/// <summary>
/// Which file of a folder is its tokenizer: tokenizer.json, else a tiktoken file, else tokenizer.model. The Tokenizer service follows the
/// same order, and the hash of this file is what pairs it with a Generator.
/// </summary>
internal static class TokenizerFiles
{
    public const string Json = "tokenizer.json";
    public const string SentencePiece = "tokenizer.model";
    public const string TiktokenEnding = ".tiktoken";

    /// <summary>The one among the names that counts; null where there is none.</summary>
    public static string? Choose(IEnumerable<string> names)
    {
        var present = names.ToHashSet(StringComparer.Ordinal);
        if (present.Contains(Json))
            return Json;
        var tiktoken = present.Where(name => name.EndsWith(TiktokenEnding, StringComparison.Ordinal)).Min(StringComparer.Ordinal);
        return tiktoken ?? (present.Contains(SentencePiece) ? SentencePiece : null);
    }
}
