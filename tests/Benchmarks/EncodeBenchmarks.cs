using BenchmarkDotNet.Attributes;
using Parley.Tokenizer.Encoders;
using Parley.Tokenizer.Templating;

namespace Parley.Benchmarks;

/// <summary>Texts as they come, with a warm piece cache.</summary>
[MemoryDiagnoser]
public class EncodeBenchmarks
{
    private readonly List<int> _ids = [];
    private readonly List<int> _otherIds = [];
    private HuggingFaceTokenizer _tokenizer = null!;

    [Params(Material.Llama3, Material.Llama2)]
    public string Vocabulary { get; set; } = Material.Llama3;

    [GlobalSetup]
    public void Setup()
    {
        _tokenizer = Material.Load(Vocabulary);
        Console.WriteLine($"// {Vocabulary}: message {Message()} ids, text {Text()} ids of {Material.LongText.Length} characters");
    }

    [Benchmark]
    public int Message() => Encode(Material.ChatMessage, _ids);

    [Benchmark]
    public int Text() => Encode(Material.LongText, _ids);

    /// <summary>The text once on each of two threads.</summary>
    [Benchmark]
    public void TextOnTwoThreads()
    {
        // Both threads of a server have encoded before, so these are threads that live on.
        Parallel.Invoke(() => Encode(Material.LongText, _otherIds), () => Encode(Material.LongText, _ids));
    }

    private int Encode(string text, List<int> ids)
    {
        ids.Clear();
        _tokenizer.Encode(text, UserRanges.None, addSpecialTokens: false, ids);
        return ids.Count;
    }
}
