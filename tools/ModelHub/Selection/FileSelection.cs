using System.Globalization;
using System.Text.RegularExpressions;
using Parley.ModelHub.Naming;
using Parley.ModelHub.Protocol;

namespace Parley.ModelHub.Selection;

/// <summary>Which files of a repository a chat model needs: its weights in one form, its configuration and its tokenizer.</summary>
public static partial class FileSelection
{
    public const string Config = "config.json";
    public const string SingleWeights = "model.safetensors";
    public const string IndexedWeights = "model.safetensors.index.json";

    private const string GgufEnding = ".gguf";
    private const string Templates = "additional_chat_templates/";

    private static readonly string[] Small =
    [
        Config, "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
        "chat_template.jinja", "chat_template.json", "response_template.json", "tokenizer.model", "vocab.json", "merges.txt",
    ];

    private static readonly string[] Pickles = [".bin", ".pt", ".pth", ".ckpt", ".pkl"];

    /// <summary>Configuration and tokenizer: what is read before anything large is fetched.</summary>
    public static IReadOnlyList<HubFile> Descriptions(IReadOnlyList<HubFile> files) =>
        [.. files.Where(file => Small.Contains(file.Path) || file.Path.EndsWith(".tiktoken", StringComparison.Ordinal) && IsAtRoot(file)
            || file.Path == IndexedWeights || file.Path.StartsWith(Templates, StringComparison.Ordinal)
            && file.Path.EndsWith(".jinja", StringComparison.Ordinal))];

    /// <summary>
    /// The same of the folder that a GGUF file lies in, where that is not the repository's root: what lies there is of this file.
    /// </summary>
    public static IReadOnlyList<HubFile> Descriptions(IReadOnlyList<HubFile> files, HubFile gguf)
    {
        ArgumentNullException.ThrowIfNull(gguf);
        var start = gguf.Path[..(gguf.Path.LastIndexOf('/') + 1)];
        if (start.Length == 0)
            return [];
        var within = files.Where(file => file.Path.StartsWith(start, StringComparison.Ordinal))
            .ToDictionary(file => file.Path[start.Length..], StringComparer.Ordinal);
        var chosen = Descriptions([.. within.Select(file => file.Value with { Path = file.Key })]);
        return [.. chosen.Where(file => file.Path != IndexedWeights).Select(file => within[file.Path])];
    }

    /// <summary>Whether a file alone makes a tokenizer.</summary>
    internal static bool IsTokenizer(HubFile file) =>
        file.Path is "tokenizer.json" or "tokenizer.model" || file.Path.EndsWith(".tiktoken", StringComparison.Ordinal);

    /// <summary>The GGUF files of a repository as one can choose them: split ones are one choice.</summary>
    public static IReadOnlyList<GgufChoice> Choices(IReadOnlyList<HubFile> files)
    {
        var choices = files.Where(file => file.Path.EndsWith(GgufEnding, StringComparison.OrdinalIgnoreCase)
                && !ProjectorName().IsMatch(Path.GetFileName(file.Path)))
            .GroupBy(file => SplitEnding().Replace(file.Path, ""), StringComparer.Ordinal)
            .Select(group => GgufChoice.Of(group.Key, [.. group])).OrderBy(choice => choice.Bytes)
            .ThenBy(choice => choice.Name, StringComparer.Ordinal).ToArray();
        return [.. choices.Select(choice => choice with { Variant = Spell(choice, choices) })];
    }

    /// <summary>What one writes must mean one file: its kind where no other has it, else its name, else its place.</summary>
    private static string Spell(GgufChoice choice, GgufChoice[] all)
    {
        foreach (var spelling in (Func<GgufChoice, string>[])[other => other.Kind, other => other.Stem])
        {
            if (all.Count(other => string.Equals(spelling(other), spelling(choice), StringComparison.OrdinalIgnoreCase)) == 1)
                return spelling(choice);
        }

        return choice.Name;
    }

    /// <summary>Whether a name asks for a GGUF file: it chooses one, or the repository has no other weights.</summary>
    public static bool MeansGguf(ModelReference reference, IReadOnlyList<HubFile> files)
    {
        ArgumentNullException.ThrowIfNull(reference);
        return reference.Variant is not null
            || files.All(file => file.Path is not (SingleWeights or IndexedWeights)) && Choices(files).Count > 0;
    }

    /// <summary>The weights that a name asks for.</summary>
    /// <param name="reference">The name, with its choice.</param>
    /// <param name="files">What the repository holds.</param>
    /// <param name="shards">Reads the shards' names from the index; asked only where there is one.</param>
    /// <param name="bytesMax">What fits this machine, for the list of choices.</param>
    /// <exception cref="HubException">There are none, or none was chosen among several; the message lists what there is.</exception>
    public static IReadOnlyList<HubFile> Weights(
        ModelReference reference, IReadOnlyList<HubFile> files, Func<HubFile, IReadOnlyCollection<string>> shards, long bytesMax)
    {
        ArgumentNullException.ThrowIfNull(reference);
        ArgumentNullException.ThrowIfNull(shards);
        var byPath = files.ToDictionary(file => file.Path, StringComparer.Ordinal);
        if (reference.Variant is not null)
            return Choose(reference, files, bytesMax).Files;
        if (byPath.TryGetValue(SingleWeights, out var single))
            return [single];
        if (byPath.TryGetValue(IndexedWeights, out var index))
        {
            return
            [
                .. shards(index).Order(StringComparer.Ordinal).Select(name => byPath.GetValueOrDefault(name) ?? throw new HubException(
                    HubFailure.Refused, $"{reference.Repository}: {IndexedWeights} names {name}, which the repository does not hold.")),
            ];
        }

        var choices = Choices(files);
        if (choices.Count == 1)
            return Whole(reference, choices[0]).Files;
        throw choices.Count > 1
            ? new HubException(HubFailure.Refused, $"{reference.Repository} holds several GGUF files; choose one:\n"
                + List(reference, choices, bytesMax))
            : NoWeights(reference, files);
    }

    /// <summary>The choices, one a line, with sizes and whether they fit.</summary>
    public static string List(ModelReference reference, IReadOnlyList<GgufChoice> choices, long bytesMax)
    {
        ArgumentNullException.ThrowIfNull(reference);
        ArgumentNullException.ThrowIfNull(choices);
        return string.Join('\n', choices.Select(choice => string.Create(CultureInfo.InvariantCulture,
            $"  {reference.Repository}:{choice.Variant,-12} {choice.Bytes / 1e9,7:0.00} GB{(!choice.IsWhole
                ? $"  {choice.Files.Count} of its {choice.Parts} files" : choice.Bytes > bytesMax
                ? "  more than this machine's memory" : "")}")));
    }

    /// <summary>The GGUF file that a name chooses.</summary>
    /// <exception cref="HubException">There is none, or several are meant; the message lists what there is.</exception>
    public static GgufChoice Choose(ModelReference reference, IReadOnlyList<HubFile> files, long bytesMax)
    {
        ArgumentNullException.ThrowIfNull(reference);
        var (variant, choices) = (reference.Variant!, Choices(files));
        GgufChoice[] found = [.. choices.Where(choice => choice.IsCalled(variant))];
        if (found.Length == 1)
            return Whole(reference, found[0]);
        // A name in the root may be that of a file in a folder, too.
        if (found.FirstOrDefault(choice => string.Equals(choice.Variant, variant, StringComparison.OrdinalIgnoreCase)) is { } exact)
            return Whole(reference, exact);
        var what = found.Length > 1 ? "fits several files" : "fits none of its GGUF files";
        throw new HubException(HubFailure.Refused, choices.Count == 0
            ? $"{reference.Repository} holds no GGUF file, so ':{variant}' chooses nothing; name it without."
            : $"{reference.Repository}: ':{variant}' {what}; there are:\n{List(reference, found.Length > 1 ? found : choices, bytesMax)}");
    }

    private static GgufChoice Whole(ModelReference reference, GgufChoice choice) => choice.IsWhole ? choice
        : throw new HubException(HubFailure.Refused,
            $"{reference.Repository}: {choice.Name} is split into {choice.Parts} files, and the repository has {choice.Files.Count}.");

    private static HubException NoWeights(ModelReference reference, IReadOnlyList<HubFile> files)
    {
        var pickle = files.FirstOrDefault(file => Pickles.Contains(Path.GetExtension(file.Path)));
        var part = files.FirstOrDefault(file => file.Path.EndsWith(".safetensors", StringComparison.Ordinal));
        return new HubException(HubFailure.Refused, $"{reference.Repository} holds neither {SingleWeights} nor {IndexedWeights} nor a "
            + "GGUF file. " + (part, pickle) switch
            {
                (not null, _) => $"It has {part.Path}, which is no whole chat model by itself (an adapter, or another program's layout).",
                (_, not null) => $"It has {pickle.Path}, a pickle: reading one runs code that its author wrote, so Parley reads none. "
                    + "Look for the same model in safetensors, or for its conversion to GGUF.",
                _ => "It is no model that can be served.",
            });
    }

    private static bool IsAtRoot(HubFile file) => !file.Path.Contains('/', StringComparison.Ordinal);

    [GeneratedRegex(@"-\d{5}-of-\d{5}(?=\.gguf\z)", RegexOptions.IgnoreCase)]
    private static partial Regex SplitEnding();

    [GeneratedRegex(@"mmproj|imatrix", RegexOptions.IgnoreCase)]
    private static partial Regex ProjectorName();
}
