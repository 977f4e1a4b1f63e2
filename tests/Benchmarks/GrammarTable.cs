using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Parley.Generator.Guides;
using Parley.Generator.Guides.Notations;
using Parley.Generator.Guides.Vocabulary;
using Parley.Tokenizer.Encoders;

namespace Parley.Benchmarks;

/// <summary>
/// Grammars and structural tags on Llama 3's vocabulary, one thread: what compiling and masks cost. <c>guides grammar [--out FILE]</c>;
/// the file receives grammars and texts, a JSON line each, for others to be measured with.
/// </summary>
internal sealed class GrammarTable
{
    private const int Rounds = 5;

    private const string Tag =
        """
        {"type":"structural_tag","format":{"type":"triggered_tags","triggers":["<tool_call>"],"tags":[{"type":"tag",
        "begin":"<tool_call>{\"name\": \"get_weather\", \"arguments\": ","content":{"type":"json_schema","json_schema":{"type":"object",
        "properties":{"city":{"type":"string"},"days":{"type":"integer","minimum":1,"maximum":14}},"required":["city","days"],
        "additionalProperties":false}},"end":"}</tool_call>"}]}}
        """;

    private static readonly string[] TagTexts =
    [
        "Let me look that up for you, it will only take a moment. <tool_call>{\"name\": \"get_weather\", \"arguments\": {\"city\":\"San Francisco\",\"days\":3}}</tool_call> There it is.",
    ];

    private readonly HuggingFaceTokenizer _tokenizer = Material.Load(Material.Llama3);
    private readonly TokenVocabulary _vocabulary;

    private GrammarTable()
    {
        var tokens = new byte[]?[_tokenizer.Tokens.Count];
        for (var id = 0; id < tokens.Length; id++)
            tokens[id] = _tokenizer.Tokens.IsSpecial(id) || _tokenizer.Tokens.Bytes(id).IsEmpty ? null
                : _tokenizer.Tokens.Bytes(id).ToArray();
        _vocabulary = new TokenVocabulary(tokens, [128_001, 128_009]);
    }

    public static void Print(string[] args)
    {
        var table = new GrammarTable();
        if (args is ["--out", var path])
        {
            File.WriteAllLines(path, GrammarCase.All.Select(
                one => JsonSerializer.Serialize(new { name = one.Name, grammar = one.Grammar, texts = one.Texts })));
        }

        Console.WriteLine("| Grammar | Compile | First mask | Later p50 | p90 | p99 | worst | warm p50 | masks | MiB |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        foreach (var one in GrammarCase.All)
            table.Run(one.Name, one.Texts, () => Guide.FromGrammar(one.Grammar, GrammarSyntax.Lark, GuideSettings.Default, table._vocabulary));
        table.Run("free text and a call", TagTexts, () => Guide.FromStructuralTag(Tag, GuideSettings.Default, table._vocabulary));
    }

    private static double At(List<double> times, double share) => times[Math.Min(times.Count - 1, (int)(share * times.Count))];

    private void Run(string name, IReadOnlyList<string> texts, Func<Guide> compile)
    {
        var (compiled, first, later, warm) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        var bytes = 0L;
        for (var round = 0; round <= Rounds; round++)
        {
            // The first round is for the compiler of the runtime.
            var begin = Stopwatch.GetTimestamp();
            var guide = compile();
            var time = Stopwatch.GetElapsedTime(begin).TotalMicroseconds;
            var (ownFirst, ownLater, ownWarm) = (new List<double>(), new List<double>(), new List<double>());
            foreach (var text in texts)
                Walk(name, guide, text, ownFirst, ownLater);
            foreach (var text in texts)
                Walk(name, guide, text, ownWarm, ownWarm);
            if (round == 0)
                continue;
            compiled.Add(time);
            first.Add(ownFirst[0]);
            later.AddRange(ownLater);
            warm.AddRange(ownWarm);
            bytes = guide.Bytes;
        }

        foreach (var times in (List<double>[])[compiled, first, later, warm])
            times.Sort();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {name} | {At(compiled, .5):F0} | {At(first, .5):F0} | {At(later, .5):F1} | {At(later, .9):F0} | {At(later, .99):F0} | ")
            + string.Create(CultureInfo.InvariantCulture, $"{later[^1]:F0} | {At(warm, .5):F1} | {later.Count} | {bytes / 1048576.0:F1} |"));
    }

    private void Walk(string name, Guide guide, string text, List<double> first, List<double> later)
    {
        var mask = new uint[_vocabulary.Words];
        var matcher = guide.Begin();
        var isFirst = true;
        foreach (var id in _tokenizer.Encode(text))
        {
            var begin = Stopwatch.GetTimestamp();
            matcher.FillMask(mask);
            (isFirst ? first : later).Add(Stopwatch.GetElapsedTime(begin).TotalMicroseconds);
            isFirst = false;
            if (((mask[id >> 5] >> id) & 1) == 0 || !matcher.TryTake(id))
                throw new InvalidOperationException($"{name}: token {id} behind byte {matcher.Position} of a text is not allowed.");
        }

        if (!matcher.MayEnd)
            throw new InvalidOperationException($"{name}: a text may not end.");
    }
}
