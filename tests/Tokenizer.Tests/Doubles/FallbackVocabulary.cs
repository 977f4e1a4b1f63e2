using System.Text.Json.Nodes;
using Parley.Tokenizer.Encoders;
using Parley.TokenizerFormat;

namespace Parley.Tokenizer.Tests.Doubles;

/// <summary>Byte fallback and words with ▁ as in Llama 2, with a decoder of choice: ids 0 to 255 are the bytes.</summary>
internal static class FallbackVocabulary
{
    public const int Paris = 256;
    public const int Is = 257;
    public const int The = 258;
    public const int Space = 259;
    public const int X = 260;
    public const int SpacedLetters = 261;
    public const int Begin = 263;
    public const int User = 264;

    public const string StripDecoder = """
        {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
         {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
        """;

    public static string Metaspace(string scheme) => $$"""{"type": "Metaspace", "prepend_scheme": "{{scheme}}"}""";

    public static TokenTable Tokens(string? decoder) =>
        new HuggingFaceTokenizer(TokenizerFile.Parse(System.Text.Encoding.UTF8.GetBytes(TokenizerJson(decoder)))).Tokens;

    public static string TokenizerJson(string? decoder)
    {
        var vocabulary = new JsonObject();
        for (var value = 0; value < 256; value++)
            vocabulary[$"<0x{value:X2}>"] = value;
        string[] words = ["▁Paris", "▁is", "▁The", "▁", "x", "▁a▁b", "▁▁a"];
        for (var i = 0; i < words.Length; i++)
            vocabulary[words[i]] = 256 + i;
        return new JsonObject
        {
            ["added_tokens"] = new JsonArray(Special(Begin, "<s>"), Special(User, "<|user|>")),
            ["decoder"] = decoder is null ? null : JsonNode.Parse(decoder),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["byte_fallback"] = true,
                ["fuse_unk"] = true,
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray(),
            },
        }.ToJsonString();
    }

    private static JsonObject Special(int id, string content) =>
        new() { ["id"] = id, ["content"] = content, ["special"] = true, ["normalized"] = false };
}
