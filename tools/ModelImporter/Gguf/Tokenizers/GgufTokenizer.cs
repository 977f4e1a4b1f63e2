using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Gguf.Tokenizers;

/// <summary>The tokenizer within a GGUF file, in the files of a Hugging Face folder.</summary>
/// <param name="metadata">The file's metadata.</param>
/// <param name="vocabularySize">Rows of the embedding.</param>
/// <param name="path">Named in messages.</param>
internal sealed class GgufTokenizer(IReadOnlyDictionary<string, object> metadata, int vocabularySize, string path)
{
    public const string ConfigName = "tokenizer_config.json";

    private const string TemplateKey = "tokenizer.chat_template";
    private const int TemplatesMax = 64;

    /// <summary>How tokens are named in metadata, and in tokenizer_config.json.</summary>
    private static readonly (string Key, string Field)[] Named =
    [
        ("bos", "bos_token"), ("eos", "eos_token"), ("unknown", "unk_token"), ("padding", "pad_token"), ("mask", "mask_token"),
        ("seperator", "sep_token"),
    ];

    private static readonly JsonSerializerOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Whether the file brings a vocabulary.</summary>
    public bool HasVocabulary => metadata.ContainsKey("tokenizer.ggml.tokens");

    /// <summary>The chat template; null where the file has none.</summary>
    public string? Template => metadata.GetValueOrDefault(TemplateKey) as string;

    /// <summary>tokenizer.json.</summary>
    /// <exception cref="InvalidDataException">The vocabulary is malformed, or of a kind that is not read.</exception>
    public byte[] ToTokenizerJson()
    {
        var vocabulary = new GgufVocabulary(metadata, vocabularySize, path);
        return vocabulary.Model switch
        {
            "gpt2" => ByteLevelVocabulary.ToJson(vocabulary),
            "gemma4" => Gemma4Vocabulary.ToJson(vocabulary),
            // Files of Ollama's converter have the older name.
            "llama" when metadata.GetValueOrDefault("general.architecture") is "gemma4" && vocabulary.Merges.Count > 0 =>
                Gemma4Vocabulary.ToJson(vocabulary),
            "llama" => SentencePieceVocabulary.ToJson(vocabulary),
            "t5" => UnigramVocabulary.ToJson(vocabulary),
            var model => throw vocabulary.NeedsTokenizer($"tokenizer.ggml.model is {model}; read are gpt2, llama, t5 and gemma4"),
        };
    }

    /// <summary>tokenizer_config.json, with the chat template.</summary>
    /// <exception cref="InvalidDataException">The vocabulary is malformed.</exception>
    public byte[] ToConfigJson()
    {
        var vocabulary = new GgufVocabulary(metadata, vocabularySize, path);
        var config = new JsonObject { ["tokenizer_class"] = "PreTrainedTokenizerFast", ["clean_up_tokenization_spaces"] = false };
        foreach (var (key, field) in Named)
        {
            if (vocabulary.Id(key) is { } id)
                config[field] = vocabulary.Tokens[id];
        }

        if (Template is { } template)
            config["chat_template"] = template;
        return Encoding.UTF8.GetBytes(config.ToJsonString(Options) + "\n");
    }

    /// <summary>Further chat templates by the names of their files.</summary>
    /// <exception cref="InvalidDataException">A name is no name of a file.</exception>
    public IEnumerable<(string Name, byte[] Bytes)> Templates()
    {
        const string Start = TemplateKey + ".";
        var names = metadata.Keys.Where(key => key.StartsWith(Start, StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToArray();
        if (names.Length > TemplatesMax)
            throw new InvalidDataException($"{path}: {names.Length} chat templates; up to {TemplatesMax} are read.");
        foreach (var key in names)
        {
            var name = key[Start.Length..];
            if (name.Length is 0 or > 64 || !name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '_' or '-'))
                throw new InvalidDataException($"{path}: {key} is no name of a chat template: letters, digits, _ and - are.");
            if (metadata[key] is not string text)
                throw new InvalidDataException($"{path}: {key} is {metadata[key]}, not a text.");
            yield return ($"{TokenizerFiles.MoreTemplates}/{name}.jinja", Encoding.UTF8.GetBytes(text));
        }
    }
}
