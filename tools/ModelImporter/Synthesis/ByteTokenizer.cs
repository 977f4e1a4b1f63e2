using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Synthesis;

/// <summary>
/// The tokenizer of a random checkpoint: one token per byte (ids 0 to 255), then the marks of the chat template, then made-up words, so
/// that every id a random model comes up with is text.
/// </summary>
internal static class ByteTokenizer
{
    public const int Begin = 256;
    public const int EndOfTurn = 259;

    private const string Template =
        "{{ bos_token }}{% for message in messages %}<|start_header_id|>{{ message['role'] }}<|end_header_id|>\n\n"
        + "{{ message['content'] | trim }}<|eot_id|>{% endfor %}"
        + "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}";

    private static readonly string[] Specials = ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"];

    /// <param name="vocabularySize">Number of ids; at least the bytes and the marks.</param>
    public static string TokenizerJson(int vocabularySize)
    {
        var vocabulary = new JsonObject();
        for (var value = 0; value < Begin; value++)
            vocabulary[Symbol(value).ToString()] = value;
        for (var id = Begin + Specials.Length; id < vocabularySize; id++)
            vocabulary[Symbol(' ') + Word(id)] = id;
        var added = new JsonArray();
        for (var i = 0; i < Specials.Length; i++)
        {
            added.Add(new JsonObject
            {
                ["id"] = Begin + i,
                ["content"] = Specials[i],
                ["single_word"] = false,
                ["lstrip"] = false,
                ["rstrip"] = false,
                ["normalized"] = false,
                ["special"] = true,
            });
        }

        return new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = added,
            ["normalizer"] = null,
            ["pre_tokenizer"] = ByteLevel(),
            ["post_processor"] = null,
            ["decoder"] = ByteLevel(),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = null,
                ["continuing_subword_prefix"] = null,
                ["end_of_word_suffix"] = null,
                ["fuse_unk"] = false,
                ["byte_fallback"] = false,
                ["ignore_merges"] = false,
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray(),
            },
        }.ToJsonString();
    }

    public static string ConfigJson(int contextTokensMax) => new JsonObject
    {
        ["tokenizer_class"] = "PreTrainedTokenizerFast",
        ["bos_token"] = Specials[0],
        ["eos_token"] = Specials[^1],
        ["clean_up_tokenization_spaces"] = false,
        ["model_max_length"] = contextTokensMax,
        ["chat_template"] = Template,
    }.ToJsonString();

    public static string SpecialTokensJson() => new JsonObject { ["bos_token"] = Specials[0], ["eos_token"] = Specials[^1] }.ToJsonString();

    /// <summary>The number in letters: three at least, and never the same for two ids.</summary>
    private static string Word(int id)
    {
        var word = "";
        for (var rest = id; rest > 0 || word.Length < 3; rest /= 26)
            word = (char)('a' + (rest % 26)) + word;
        return word;
    }

    private static JsonObject ByteLevel() =>
        new() { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = true };

    /// <summary>
    /// The printable character that byte-level tokenizers write for a byte: itself where it shows, else the next one from 256 on.
    /// </summary>
    private static char Symbol(int value) =>
        IsPrinted(value) ? (char)value : (char)(256 + Enumerable.Range(0, value).Count(other => !IsPrinted(other)));

    private static bool IsPrinted(int value) => value is (>= 33 and <= 126) or (>= 161 and <= 172) or (>= 174 and <= 255);
}
