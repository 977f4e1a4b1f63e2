using System.Collections.Concurrent;
using System.IO.Compression;
using System.Text.Json;
using Parley.TestSupport;
using Parley.Tokenizer.Encoders;
using Parley.TokenizerFormat;

namespace Parley.Tokenizer.Tests.Doubles;

/// <summary>Reads the reference's answers; each tokenizer is loaded once for all tests.</summary>
internal static class Fixtures
{
    private static readonly ConcurrentDictionary<string, HuggingFaceTokenizer> Loaded = new();

    public static HuggingFaceTokenizer Tokenizer(string name)
    {
        var path = Shared.Fixture("tokenizers", name, "tokenizer.json.gz");
        return Loaded.GetOrAdd(name, _ => new HuggingFaceTokenizer(TokenizerFile.Parse(Unzip(path))));
    }

    public static JsonElement TokenizerJson(string name) =>
        JsonElement.Parse(Unzip(Shared.Fixture("tokenizers", name, "tokenizer.json.gz")));

    public static JsonElement Json(params string[] parts)
    {
        var path = Shared.Fixture(parts);
        var bytes = path.EndsWith(".gz", StringComparison.Ordinal) ? Unzip(path) : File.ReadAllBytes(path);
        return JsonElement.Parse(bytes);
    }

    /// <summary>Answers of the reference that are checked in.</summary>
    public static JsonElement Golden(string file) => JsonElement.Parse(Unzip(Path.Combine(AppContext.BaseDirectory, "Golden", file)));

    public static int[] Ids(JsonElement list) => [.. list.EnumerateArray().Select(id => id.GetInt32())];

    private static byte[] Unzip(string path)
    {
        using var file = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var memory = new MemoryStream();
        file.CopyTo(memory);
        return memory.ToArray();
    }
}
