using System.Globalization;
using Parley.ModelImporter.Gguf.Metadata;

namespace Parley.ModelImporter.Gguf.Tokenizers;

/// <summary>The tokens of a GGUF file with their kinds and scores, and the ids that metadata name.</summary>
internal sealed class GgufVocabulary
{
    private const string Prefix = "tokenizer.ggml.";
    private const int TokenCharactersMax = 1 << 16;

    private readonly IReadOnlyDictionary<string, object> _metadata;
    private readonly string _path;
    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);

    /// <param name="metadata">The file's metadata.</param>
    /// <param name="size">Rows of the embedding; ids are below it.</param>
    /// <param name="path">Named in messages.</param>
    /// <exception cref="InvalidDataException">A list is missing or too short, or two ids have the same text.</exception>
    public GgufVocabulary(IReadOnlyDictionary<string, object> metadata, int size, string path)
    {
        (_metadata, _path) = (metadata, path);
        Tokens = List("tokens").Texts;
        if (Tokens.Count == 0)
            throw NeedsTokenizer($"{Prefix}tokens is missing: there is no tokenizer in the file");
        if (Tokens.Count > size)
        {
            throw Fault(string.Create(CultureInfo.InvariantCulture,
                $"{Prefix}tokens lists {Tokens.Count} texts, more than the {size} rows of token_embd.weight"));
        }

        for (var id = 0; id < Tokens.Count; id++)
        {
            if (Tokens[id].Length > TokenCharactersMax)
                throw Fault($"{Prefix}tokens[{id}] has more than {TokenCharactersMax} characters");
            if (Tokens[id].Length > 0 && !_ids.TryAdd(Tokens[id], id))
                throw Fault($"{Prefix}tokens lists \"{Tokens[id]}\" as {_ids[Tokens[id]]} and as {id}");
        }

        Kinds = [.. ReadKinds()];
        Scores = ReadScores();
    }

    /// <summary>Texts by id; an empty one stands for no token.</summary>
    public IReadOnlyList<string> Tokens { get; }

    public GgufTokenKind[] Kinds { get; }

    /// <summary>Scores by id; null where the file has none.</summary>
    public IReadOnlyList<double>? Scores { get; }

    /// <summary>Merges, each as two texts with a space between them.</summary>
    public IReadOnlyList<string> Merges => List("merges").Texts;

    /// <summary>The way of tokenizing, e.g. <c>gpt2</c>.</summary>
    public string Model => Text("model") ?? throw Fault($"{Prefix}model is missing");

    /// <summary>The name of the way in which text is split before merging; null where the file is silent.</summary>
    public string? PreTokenizer => Text("pre");

    public bool TryGetId(ReadOnlySpan<char> text, out int id) =>
        _ids.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(text, out id);

    /// <summary>A flag of the tokenizer, or what it is where the file is silent.</summary>
    public bool Flag(string name, bool unset) => _metadata.GetValueOrDefault(Prefix + name) switch
    {
        null => unset,
        bool flag => flag,
        var other => throw Fault($"{Prefix}{name} is {other}, not true or false"),
    };

    /// <summary>Whether a text begins with a token of its own; early files of Gemma 4 deny it wrongly.</summary>
    public bool Begins(bool unset) => Model == "gemma4" || Flag("add_bos_token", unset);

    /// <summary>The id of a named token, e.g. <c>bos</c>; null where there is none.</summary>
    public int? Id(string name)
    {
        var id = _metadata.GetValueOrDefault($"{Prefix}{name}_token_id") as long? ?? Unset(name);
        return id is >= 0 && id < Tokens.Count && Tokens[(int)id].Length > 0 ? (int)id : null;
    }

    /// <summary>The id of a named token where the file is silent, as in llama.cpp.</summary>
    private long? Unset(string name) => (Text("model"), name) switch
    {
        ("llama", "bos") => 1,
        ("llama", "eos") => 2,
        ("llama", "unknown") => 0,
        ("t5", "eos") => 1,
        ("t5", "unknown") => 2,
        ("t5", "padding") => 0,
        _ => null,
    };

    /// <summary>A list of whole numbers, as bytes; empty where the file has none.</summary>
    public byte[] Bytes(string name) => [.. List(name).Numbers.Select(number => (byte)number)];

    /// <summary>A text of the metadata.</summary>
    public string? Text(string name) => _metadata.GetValueOrDefault(Prefix + name) as string;

    /// <summary>A fault of the file.</summary>
    public InvalidDataException Fault(string what) => new($"{_path}: {what}.");

    /// <summary>A fault that a tokenizer of the model's own would mend.</summary>
    public InvalidDataException NeedsTokenizer(string what) => new($"{_path}: {what}; put tokenizer.json and tokenizer_config.json of the "
        + "model's page on the Hugging Face Hub beside the file.");

    private GgufList List(string name) => _metadata.GetValueOrDefault(Prefix + name) as GgufList ?? GgufList.Unread;

    private IEnumerable<GgufTokenKind> ReadKinds()
    {
        var types = List("token_type").Numbers;
        if (types.Count > 0 && types.Count < Tokens.Count)
            throw Fault($"{Prefix}token_type lists {types.Count} types for {Tokens.Count} tokens");
        // These mark the structure of a text, whatever else they are.
        var ends = new[] { "bos", "eos", "eot", "eom" }.Select(name => Id(name)).ToHashSet();
        for (var id = 0; id < Tokens.Count; id++)
        {
            var kind = types.Count == 0 ? GgufTokenKind.Normal : (GgufTokenKind)types[id];
            yield return kind == GgufTokenKind.Normal && ends.Contains(id) ? GgufTokenKind.Control
                : Enum.IsDefined(kind) ? kind : GgufTokenKind.Normal;
        }
    }

    private IReadOnlyList<double>? ReadScores()
    {
        var list = List("scores");
        var scores = list.Reals.Count > 0 ? list.Reals : [.. list.Numbers.Select(number => (double)number)];
        if (scores.Count == 0)
            return null;
        if (scores.Count < Tokens.Count || scores.Any(score => !double.IsFinite(score)))
            throw Fault($"{Prefix}scores lists {scores.Count} scores for {Tokens.Count} tokens, or one that is no number");
        return scores;
    }
}
