using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Parley.TokenizerFormat;

/// <summary>
/// Reads a tiktoken vocabulary, one <c>base64 rank</c> per line. Such a file has no pattern and no special tokens: these come from
/// tokenizer_config.json and from the two families whose files are found in model folders, Llama 3 and Qwen.
/// </summary>
internal static class TiktokenReader
{
    private const string Contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private const string Rest = @"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Llama3Pattern = Contractions + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}" + Rest;
    private const string QwenPattern = Contractions + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}" + Rest;
    private const int QwenExtraTokens = 205;

    /// <summary>Whether a file is of this form.</summary>
    public static bool IsTiktoken(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf((byte)'\n');
        var line = (end < 0 ? bytes : bytes[..end]).TrimEnd((byte)'\r');
        var space = line.IndexOf((byte)' ');
        return space > 0 && Base64.IsValid(line[..space]) && Utf8Parser.TryParse(line[(space + 1)..], out int _, out var read)
            && read == line.Length - space - 1;
    }

    /// <exception cref="InvalidDataException">The file is broken, or its family is not known.</exception>
    public static TokenizerFile Read(string name, byte[] bytes, TokenizerConfiguration configuration)
    {
        var vocabulary = ReadRanks(name, bytes);
        var isQwen = configuration.Class.Contains("qwen", StringComparison.OrdinalIgnoreCase)
            || name.StartsWith("qwen", StringComparison.OrdinalIgnoreCase);
        if (!isQwen && configuration.Class is not ("" or "LlamaTokenizer" or "PreTrainedTokenizer" or "TokenizersBackend"))
            throw new InvalidDataException(
                $"{name}: the split pattern of the class {configuration.Class} is not known (Llama 3's and Qwen's are).");
        var pattern = configuration.Text("pat_str", isQwen ? QwenPattern : Llama3Pattern);
        var split = new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = pattern }, ["behavior"] = "Isolated" };
        var byteLevel = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["use_regex"] = false };
        return new TokenizerFile
        {
            Sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes)),
            Vocabulary = vocabulary,
            Merges = MergeBuilder.FromRanks(vocabulary),
            Model = new ModelOptions(null, FuseUnknown: false, ByteFallback: false, IgnoreMerges: true),
            AddedTokens = ReadAddedTokens(name, vocabulary, configuration, isQwen),
            Normalizer = isQwen ? Section(name, new JsonObject { ["type"] = "NFC" }) : null,
            PreTokenizer = Section(name, new JsonObject { ["type"] = "Sequence", ["pretokenizers"] = new JsonArray(split, byteLevel) }),
            PostProcessor = null,
            Decoder = Section(name, new JsonObject { ["type"] = "ByteLevel" }),
        };
    }

    private static JsonSection Section(string name, JsonObject json) =>
        new(JsonSerializer.SerializeToElement(json, SectionJson.Default.JsonObject), name);

    private static Dictionary<string, int> ReadRanks(string name, byte[] bytes)
    {
        var vocabulary = new Dictionary<string, int>(1 << 17, StringComparer.Ordinal);
        var number = 0;
        foreach (var line in Encoding.ASCII.GetString(bytes).AsSpan().EnumerateLines())
        {
            number++;
            if (line.IsEmpty)
                continue;
            var space = line.IndexOf(' ');
            var token = new byte[Math.Max(space, 0)];
            if (space <= 0 || !Convert.TryFromBase64Chars(line[..space], token, out var length) || length == 0
                || !int.TryParse(line[(space + 1)..], System.Globalization.NumberStyles.None,
                    System.Globalization.CultureInfo.InvariantCulture, out var rank) || rank > TokenTable.IdMax)
                throw new InvalidDataException($"{name}: line {number} is not a token in base64 with its rank.");
            vocabulary[string.Create(length, token, static (characters, source) =>
            {
                for (var i = 0; i < characters.Length; i++)
                    characters[i] = ByteAlphabet.ToChar(source[i]);
            })] = rank;
        }

        return vocabulary;
    }

    private static List<AddedToken> ReadAddedTokens(
        string name, Dictionary<string, int> vocabulary, TokenizerConfiguration configuration, bool isQwen)
    {
        var tokens = configuration.ReadAddedTokens().ToList();
        if (tokens.Count == 0 && isQwen)
        {
            // Qwen's first generation has its special tokens in code only: three names, then numbered ones.
            string[] names = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
            var next = vocabulary.Values.Max() + 1;
            tokens = [.. names.Concat(Enumerable.Range(0, QwenExtraTokens).Select(i => $"<|extra_{i}|>"))
                .Select((content, i) => new AddedToken(next + i, content, true, false, false, false, Normalized: false))];
        }

        if (tokens.Count == 0)
            throw new InvalidDataException($"{name} has no special tokens: {ModelFolder.TokenizerConfig} must list them in "
                + "added_tokens_decoder.");
        foreach (var token in tokens)
        {
            if (vocabulary.TryGetValue(token.Content, out var id) && id != token.Id)
                throw new InvalidDataException($"{ModelFolder.TokenizerConfig}: added_tokens_decoder gives \"{token.Content}\" the id "
                    + $"{token.Id}, but {name} gives it {id}.");
        }

        return tokens;
    }
}
