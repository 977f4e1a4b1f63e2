using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Parley.Tokenizer.Encoders;
using Parley.TokenizerFormat;

namespace Parley.Benchmarks;

/// <summary>The vocabularies and texts that are measured; the peers read the same from the folder of <c>export</c>.</summary>
internal static class Material
{
    public const string Llama3 = "llama3";
    public const string Llama2 = "llama-spm";

    private const int TextBytes = 1_000_000;

    public static readonly string Root = FindRoot();

    private static readonly string FixturesFolder =
        Environment.GetEnvironmentVariable("PARLEY_FIXTURES") is { Length: > 0 } path
            ? path
            : Path.GetFullPath(Path.Combine(Root, "..", "shared", "fixtures"));

    /// <summary>A user's message of about 100 tokens.</summary>
    public static string ChatMessage { get; } =
        "I've been trying to read a CSV file of about 2 GB in C# without loading it all into memory, but my loop over "
        + "File.ReadLines still gets slower and slower after the first 10 million rows. It's a plain foreach with a Split(';') and a "
        + "Dictionary<string, int> that counts the words in column 7. Could you explain what I'm doing wrong, and show how you'd "
        + "write it? Thanks! PS: the file is UTF-8, with some naïve characters in it.";

    /// <summary>About 1 MB: the fixtures' paragraphs, then this repository's C#.</summary>
    public static string LongText { get; } = CreateLongText();

    public static TokenizerFile ReadFile(string vocabulary) => TokenizerFile.Parse(ReadJson(vocabulary));

    public static HuggingFaceTokenizer Load(string vocabulary) => new(ReadFile(vocabulary));

    public static string Template() =>
        File.ReadAllText(Path.Combine(FixturesFolder, "templates", "meta-llama-Llama-3.1-8B-Instruct.jinja"));

    public static byte[] ReadJson(string vocabulary) =>
        Unzip(Path.Combine(FixturesFolder, "tokenizers", vocabulary, "tokenizer.json.gz"));

    public static void Export(string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (var vocabulary in (string[])[Llama3, Llama2])
            File.WriteAllBytes(Path.Combine(folder, vocabulary + ".json"), ReadJson(vocabulary));
        File.WriteAllText(Path.Combine(folder, "message.txt"), ChatMessage);
        File.WriteAllText(Path.Combine(folder, "text.txt"), LongText);
    }

    private static string CreateLongText()
    {
        var text = new StringBuilder();
        foreach (var item in JsonElement.Parse(Unzip(Path.Combine(FixturesFolder, "tokenizers", "cases.json.gz"))).EnumerateArray())
        {
            if (item.GetProperty("kind").GetString() == "doc")
                text.Append(item.GetProperty("text").GetString()).Append("\n\n");
        }

        foreach (var file in Directory.EnumerateFiles(Path.Combine(Root, "services"), "*.cs", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal))
        {
            text.Append(File.ReadAllText(file));
            if (text.Length > TextBytes)
                break;
        }

        return text.ToString(0, Math.Min(TextBytes, text.Length));
    }

    private static byte[] Unzip(string path)
    {
        using var file = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var memory = new MemoryStream();
        file.CopyTo(memory);
        return memory.ToArray();
    }

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Microservices.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The repository was not found.");
        return folder;
    }
}
