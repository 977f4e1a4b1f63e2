using System.Text.RegularExpressions;

namespace Parley.ModelHub.Naming;

/// <summary>A model on the Hub as people write it: <c>org/name</c>, with a revision and, in GGUF repositories, a choice of file.</summary>
/// <param name="Repository"><c>org/name</c>, or <c>name</c> alone for the Hub's oldest models.</param>
/// <param name="Revision">Branch, tag or commit.</param>
/// <param name="Variant">Which GGUF file, e.g. <c>Q4_K_M</c>; null where nothing was chosen.</param>
public sealed partial record ModelReference(string Repository, string Revision, string? Variant)
{
    public const string DefaultRevision = "main";

    private const int RepositoryCharactersMax = 96;
    private const int RevisionCharactersMax = 255;
    private const int VariantCharactersMax = 255;
    private static readonly string[] Prefixes = ["https://", "http://", "huggingface.co/", "www.huggingface.co/", "hf.co/", "hf://"];

    /// <summary>Reads <c>[hf.co/]org/name[@revision][:variant]</c>, or the address of the model's page or of a file of it.</summary>
    /// <exception cref="HubException">It is none; the message says what is wrong with it.</exception>
    public static ModelReference Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var rest = text.Trim();
        foreach (var prefix in Prefixes)
        {
            if (rest.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
                rest = rest[prefix.Length..];
        }

        string? variant = null;
        if (rest.IndexOf(':', StringComparison.Ordinal) is >= 0 and var colon)
            (rest, variant) = (rest[..colon], rest[(colon + 1)..]);
        string? revision = null;
        if (rest.IndexOf('@', StringComparison.Ordinal) is >= 0 and var at)
            (rest, revision) = (rest[..at], rest[(at + 1)..]);
        else if (rest.Split('/') is [var org, var name, "tree", .. { Length: > 0 } branch])
            (rest, revision) = ($"{org}/{name}", string.Join('/', branch));
        else if (rest.Split('/') is [var owner, var model, "blob" or "resolve", var commit, .. { Length: > 0 } file])
            (rest, revision, variant) = ($"{owner}/{model}", commit, string.Join('/', file).Split('?')[0]);
        // An address may end in a slash; a name with one lacks its second part.
        rest = rest.EndsWith('/') && rest.Count(c => c == '/') == 2 ? rest[..^1] : rest;
        return new ModelReference(
            CheckRepository(rest, text), CheckRevision(revision ?? DefaultRevision, text), CheckVariant(variant, text));
    }

    /// <summary>Whether a text can only be a path on this machine.</summary>
    public static bool IsPath(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Length == 0 || text[0] is '.' or '/' or '~' or '\\' || Path.IsPathRooted(text) || Path.Exists(text);
    }

    public override string ToString() =>
        Repository + (Revision == DefaultRevision ? "" : "@" + Revision) + (Variant is null ? "" : ":" + Variant);

    private static string CheckRepository(string repository, string text)
    {
        if (repository.Length is 0 or > RepositoryCharactersMax || !RepositoryName().IsMatch(repository)
            || repository.Contains("--", StringComparison.Ordinal) || repository.Contains("..", StringComparison.Ordinal)
            || repository.EndsWith(".git", StringComparison.Ordinal))
        {
            throw new HubException(HubFailure.Refused, $"'{text}' is neither a path on this machine nor a model's name on the Hub, "
                + "which is 'org/name': letters, digits, '-', '_' and '.', at most 96 of them, no '--' and no '..'.");
        }

        return repository;
    }

    private static string CheckRevision(string revision, string text) =>
        revision.Length is > 0 and <= RevisionCharactersMax && RevisionName().IsMatch(revision)
        && !revision.Split('/').Any(part => part is "" or "." or "..")
            ? revision
            : throw new HubException(HubFailure.Refused, $"'{text}': the revision after '@' must be a branch, a tag or a commit.");

    private static string? CheckVariant(string? variant, string text) =>
        variant is null || (variant.Length is > 0 and <= VariantCharactersMax && VariantName().IsMatch(variant))
            ? variant
            : throw new HubException(
                HubFailure.Refused, $"'{text}': after ':' stands which GGUF file is meant, e.g. Q4_K_M, or the file's name.");

    [GeneratedRegex(@"^[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?(?:/[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?)?\z")]
    private static partial Regex RepositoryName();

    [GeneratedRegex(@"^[A-Za-z0-9._/+-]+\z")]
    private static partial Regex RevisionName();

    [GeneratedRegex(@"^[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*\z")]
    private static partial Regex VariantName();
}
