using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Tokenizers;

/// <summary>
/// What the names in <c>tokenizer.ggml.pre</c> stand for: the splits of the models' own tokenizer.json, which llama.cpp's differ from here
/// and there. Names whose split is not known for certain are not in the table.
/// </summary>
internal static class PreTokenizers
{
    private const string Contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private const string LineEnds = @"\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Upper = @"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]";
    private const string Lower = @"[\p{Ll}\p{Lm}\p{Lo}\p{M}]";
    private const string BeforeWord = @"[^\r\n\p{L}\p{N}]?";
    private const string Symbols = @" ?[^\s\p{L}\p{N}]+[\r\n]*";
    private const string Ideographs = "[一-龥\u0800-一가-\ud7ff]+";

    private const string Llama3 = $@"{Contractions}|{BeforeWord}\p{{L}}+|\p{{N}}{{1,3}}|{Symbols}|{LineEnds}";
    private const string Qwen2 = $@"{Contractions}|{BeforeWord}\p{{L}}+|\p{{N}}|{Symbols}|{LineEnds}";
    private const string Qwen35 = $@"{Contractions}|{BeforeWord}[\p{{L}}\p{{M}}]+|\p{{N}}| ?[^\s\p{{L}}\p{{M}}\p{{N}}]+[\r\n]*|{LineEnds}";
    private const string O200K = $@"{BeforeWord}{Upper}*{Lower}+{Contractions}?|{BeforeWord}{Upper}+{Lower}*{Contractions}?|\p{{N}}{{1,3}}"
        + @"| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + LineEnds;
    private const string Tekken = $@"{BeforeWord}{Upper}*{Lower}+|{BeforeWord}{Upper}+{Lower}*|\p{{N}}"
        + @"| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + LineEnds;
    private const string DeepSeekV3 = @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^" + "\r\n" + @"\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
        + @"| ?[\p{P}\p{S}]+[" + "\r\n" + @"]*|\s*[" + "\r\n" + @"]+|\s+(?!\S)|\s+";

    /// <summary>Letters with cases, as DeepSeek's first models list them: ranges of code points, first and last.</summary>
    private static readonly int[] CasedLetters =
    [
        0x41, 0x5A, 0x61, 0x7A, 0xB5, 0xB5, 0xC0, 0xD6, 0xD8, 0xF6, 0xF8, 0x1BA, 0x1BC, 0x1BF, 0x1C4, 0x293, 0x295, 0x2AF, 0x370, 0x373,
        0x376, 0x377, 0x37B, 0x37D, 0x37F, 0x37F, 0x386, 0x386, 0x388, 0x38A, 0x38C, 0x38C, 0x38E, 0x3A1, 0x3A3, 0x3F5, 0x3F7, 0x481,
        0x48A, 0x52F, 0x531, 0x556, 0x10A0, 0x10C5, 0x13A0, 0x13F5, 0x13F8, 0x13FD, 0x1C90, 0x1CBA, 0x1CBD, 0x1CBF, 0x1D00, 0x1D2B,
        0x1D6B, 0x1D77, 0x1D79, 0x1D9A, 0x1E00, 0x1F15, 0x1F18, 0x1F1D, 0x1F20, 0x1F45, 0x1F48, 0x1F4D, 0x1F50, 0x1F57, 0x1F59, 0x1F59,
        0x1F5B, 0x1F5B, 0x1F5D, 0x1F5D, 0x1F5F, 0x1F7D, 0x1F80, 0x1FB4, 0x1FB6, 0x1FBC, 0x1FBE, 0x1FBE, 0x1FC2, 0x1FC4, 0x1FC6, 0x1FCC,
        0x1FD0, 0x1FD3, 0x1FD6, 0x1FDB, 0x1FE0, 0x1FEC, 0x1FF2, 0x1FF4, 0x1FF6, 0x1FFC, 0x2102, 0x2102, 0x2107, 0x2107, 0x210A, 0x2113,
        0x2115, 0x2115, 0x2119, 0x211D, 0x2124, 0x2124, 0x2126, 0x2126, 0x2128, 0x2128, 0x212A, 0x212D, 0x212F, 0x2134, 0x2139, 0x2139,
        0x213C, 0x213F, 0x2145, 0x2149, 0x214E, 0x214E, 0x2183, 0x2184, 0x2C00, 0x2C7B, 0x2C7E, 0x2CE4, 0x2CEB, 0x2CEE, 0x2CF2, 0x2CF3,
        0xA640, 0xA66D, 0xA680, 0xA69B, 0xA722, 0xA76F, 0xA771, 0xA787, 0xA78B, 0xA78E, 0xAB70, 0xABBF, 0xFB00, 0xFB06, 0xFB13, 0xFB17,
        0xFF21, 0xFF3A, 0xFF41, 0xFF5A, 0x10400, 0x1044F, 0x104B0, 0x104D3, 0x104D8, 0x104FB, 0x10C80, 0x10CB2, 0x10CC0, 0x10CF2,
        0x118A0, 0x118DF, 0x1E900, 0x1E943,
    ];

    private static readonly Dictionary<string, PreTokenizer> Known = Create();

    /// <summary>All names that are known, in order.</summary>
    public static IEnumerable<string> Names => Known.Keys.Order(StringComparer.Ordinal);

    /// <summary>The split of a name; null for a name that is not known.</summary>
    public static PreTokenizer? Find(string name) => Known.GetValueOrDefault(name);

    private static Dictionary<string, PreTokenizer> Create()
    {
        var table = new Dictionary<string, PreTokenizer>(StringComparer.Ordinal);
        Add(["llama-bpe", "llama3", "llama-v3"], new PreTokenizer([Split(Llama3), Bytes()], IgnoreMerges: true, AddsBegin: true));
        Add(["gpt-2", "phi-2"], new PreTokenizer([Bytes(splits: true)]));
        Add(["mpt", "olmo"], new PreTokenizer([Bytes(splits: true)], Composes: true));
        Add(["qwen2"], new PreTokenizer([Split(Qwen2), Bytes()], Composes: true));
        Add(["qwen35"], new PreTokenizer([Split(Qwen35), Bytes()], Composes: true));
        Add(["gpt-4o"], new PreTokenizer([Split(O200K), Bytes()]));

        Add(["tekken"], new PreTokenizer([Split(Tekken), Bytes()], IgnoreMerges: true, AddsBegin: true));
        Add(["dbrx"], new PreTokenizer([Split(Llama3), Bytes()]));
        Add(["smollm", "starcoder", "refact"], new PreTokenizer([Digits(true), Bytes(splits: true)]));
        Add(["command-r"], new PreTokenizer([Digits(true), Bytes(splits: true)], Composes: true));
        Add(["falcon"], new PreTokenizer([
            new JsonObject { ["type"] = "Punctuation", ["behavior"] = "Contiguous" },
            Bytes(splits: true), Digits(false), Split("[0-9][0-9][0-9]")]));
        Add(["deepseek-llm"], new PreTokenizer([
            Split("[\r\n]"), Split($@"\s?[{Ranges(CasedLetters)}]+"), Split(@"\s?[!-/:-~！-／：-～‘-‟　-。]+"), Split(@"\s+$"),
            Split(Ideographs), Digits(true), Bytes()]));
        Add(["deepseek-coder"], new PreTokenizer([
            Split("[\r\n]"), Split(@"\s?\p{L}+"), Split(@"\s?\p{P}+"), Split(Ideographs), Digits(true), Bytes()]));
        Add(["deepseek-v3"], new PreTokenizer([
            Split(@"\p{N}{1,3}"), Split("[一-龥\u3040-ゟ゠-ヿ]+"), Split(DeepSeekV3), Bytes()]));
        return table;

        void Add(string[] names, PreTokenizer split)
        {
            foreach (var name in names)
                table.Add(name, split);
        }
    }

    private static JsonObject Split(string pattern) => new()
    {
        ["type"] = "Split",
        ["pattern"] = new JsonObject { ["Regex"] = pattern },
        ["behavior"] = "Isolated",
        ["invert"] = false,
    };

    private static JsonObject Bytes(bool splits = false) => new()
    {
        ["type"] = "ByteLevel",
        ["add_prefix_space"] = false,
        ["trim_offsets"] = true,
        ["use_regex"] = splits,
    };

    private static JsonObject Digits(bool each) => new() { ["type"] = "Digits", ["individual_digits"] = each };

    private static string Ranges(int[] ranges) => string.Concat(ranges.Chunk(2).Select(range => range[0] == range[1]
        ? char.ConvertFromUtf32(range[0])
        : $"{char.ConvertFromUtf32(range[0])}-{char.ConvertFromUtf32(range[1])}"));
}
