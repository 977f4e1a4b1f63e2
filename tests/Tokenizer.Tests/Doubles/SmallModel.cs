using System.Text.Json.Nodes;
using Parley.TokenizerFormat;

namespace Parley.Tokenizer.Tests.Doubles;

/// <summary>A byte-level model folder small enough to write by hand: 256 bytes, a few merges, the special tokens of Llama 3.</summary>
internal sealed class SmallModel : IDisposable
{
    public const string Template =
        "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n{{ m['content'] | trim }}<|eot_id|>"
        + "{% endfor %}{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}";

    public const int Begin = 300;
    public const int StartHeader = 301;
    public const int EndHeader = 302;
    public const int EndOfTurn = 303;

    /// <summary><c>&lt;think&gt;</c>, an added token that is not special.</summary>
    public const int Think = 304;

    public SmallModel()
    {
        Write("tokenizer.json", TokenizerJson().ToJsonString());
        Write("tokenizer_config.json", """{"bos_token": "<|begin_of_text|>", "eos_token": {"content": "<|eot_id|>"}}""");
        Write("generation_config.json", """{"eos_token_id": [300, 303]}""");
        Write("chat_template.jinja", Template);
    }

    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("parley-tokenizer-").FullName;

    public static JsonObject TokenizerJson()
    {
        var vocabulary = new JsonObject();
        for (var value = 0; value < 256; value++)
            vocabulary[ByteAlphabet.ToChar((byte)value).ToString()] = value;
        string[][] merges = [["h", "e"], ["l", "l"], ["he", "ll"], ["hell", "o"], ["Ġ", "w"], ["o", "r"]];
        var next = 256;
        foreach (var merge in merges)
            vocabulary[merge[0] + merge[1]] = next++;
        string[] added = ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<think>"];
        return new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray([.. added.Select((content, index) => new JsonObject
            {
                ["id"] = Begin + index, ["content"] = content, ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false,
                ["normalized"] = false, ["special"] = content != "<think>",
            })]),
            ["normalizer"] = null,
            ["pre_tokenizer"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["use_regex"] = true },
            ["post_processor"] = JsonNode.Parse("""
                {"type": "TemplateProcessing", "single":
                 [{"SpecialToken": {"id": "<|begin_of_text|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                 "special_tokens": {"<|begin_of_text|>": {"id": "<|begin_of_text|>", "ids": [300], "tokens": ["<|begin_of_text|>"]}}}
                """),
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel" },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([.. merges.Select(merge => JsonValue.Create(string.Join(' ', merge)))]),
            },
        };
    }

    public void Write(string file, string text)
    {
        var path = Path.Combine(Directory, file);
        System.IO.Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    public void Delete(string file) => File.Delete(Path.Combine(Directory, file));

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);
}
