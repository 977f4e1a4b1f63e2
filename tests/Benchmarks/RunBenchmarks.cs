using BenchmarkDotNet.Attributes;
using Parley.Tokenizer.Encoders;
using Parley.Tokenizer.Templating;

namespace Parley.Benchmarks;

/// <summary>Texts that make encoders slow; linear where twice the length takes twice the time.</summary>
public class RunBenchmarks
{
    private readonly List<int> _ids = [];
    private HuggingFaceTokenizer _tokenizer = null!;
    private string _letters = "";
    private string _spaces = "";
    private string _emoji = "";

    [Params(Material.Llama3, Material.Llama2)]
    public string Vocabulary { get; set; } = Material.Llama3;

    [Params(50_000, 100_000)]
    public int Bytes { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _tokenizer = Material.Load(Vocabulary);
        (_letters, _spaces) = (new string('a', Bytes), new string(' ', Bytes));
        _emoji = string.Concat(Enumerable.Repeat("🙂", Bytes / 4));
    }

    [Benchmark]
    public int Letters() => Encode(_letters);

    [Benchmark]
    public int Spaces() => Encode(_spaces);

    [Benchmark]
    public int Emoji() => Encode(_emoji);

    private int Encode(string text)
    {
        _ids.Clear();
        _tokenizer.Encode(text, UserRanges.None, addSpecialTokens: false, _ids);
        return _ids.Count;
    }
}
