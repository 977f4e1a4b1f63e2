using BenchmarkDotNet.Attributes;
using Parley.Tokenizer.Encoders;
using Parley.TokenizerFormat;

namespace Parley.Benchmarks;

/// <summary>A tokenizer that has seen nothing yet.</summary>
public class ColdTextBenchmarks
{
    private TokenizerFile _file = null!;
    private byte[] _json = [];
    private HuggingFaceTokenizer _tokenizer = null!;

    [Params(Material.Llama3, Material.Llama2)]
    public string Vocabulary { get; set; } = Material.Llama3;

    [GlobalSetup]
    public void Setup()
    {
        _json = Material.ReadJson(Vocabulary);
        _file = TokenizerFile.Parse(_json);
    }

    [IterationSetup]
    public void Forget() => _tokenizer = new HuggingFaceTokenizer(_file);

    [Benchmark]
    public int TextFirst() => _tokenizer.Encode(Material.LongText).Count;

    [Benchmark]
    public object Load() => new HuggingFaceTokenizer(TokenizerFile.Parse(_json));
}
