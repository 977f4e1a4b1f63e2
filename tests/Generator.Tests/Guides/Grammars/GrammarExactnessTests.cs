using System.Text;
using Parley.Generator.Guides;
using Parley.Generator.Guides.Limits;
using Parley.Generator.Guides.Notations;
using Parley.Generator.Guides.Vocabulary;
using Parley.TestSupport;

namespace Parley.Generator.Tests.Guides.Grammars;

/// <summary>A token is allowed if and only if some continuation belongs to the grammar: random grammars, every begin, every token.</summary>
public sealed class GrammarExactnessTests
{
    private const int LengthMax = 5;
    private const int BeginsMax = 25;

    /// <summary>All words of up to two of the letters, and some of three.</summary>
    private static readonly string[] Words = [.. All(1), .. All(2), "abc", "aab", "bba", "cab", "ccc", "acb"];

    private static readonly TokenVocabulary Vocabulary = new([null, .. Words.Select(Encoding.UTF8.GetBytes)], [0]);

    [Fact]
    public void FillMask_RandomGrammars_AllowsExactlyWhatCanBeEnded() => Try(rounds: 150, seed: 1, isLark: false);

    [Fact]
    public void FillMask_RandomGrammarsInLark_AllowsExactlyWhatCanBeEnded() => Try(rounds: 100, seed: 2, isLark: true);

    [SlowFact]
    public void FillMask_ManyRandomGrammars_AllowsExactlyWhatCanBeEnded() => Try(rounds: 4_000, seed: 3, isLark: false);

    private static IEnumerable<string> All(int length) => length == 0
        ? [""]
        : All(length - 1).SelectMany(word => "abc".Select(letter => word + letter));

    private static void Try(int rounds, int seed, bool isLark)
    {
        var grammars = new RandomGrammars(seed);
        var (sound, begins) = (0, 0);
        for (var round = 0; round < rounds; round++)
        {
            var rules = grammars.Next();
            var text = isLark ? RandomGrammars.ToLark(rules) : RandomGrammars.ToGbnf(rules);
            var recognizer = new SlowRecognizer(rules);
            if (!recognizer.IsSound)
            {
                var fault = Assert.Throws<GuideException>(() => Compile(text));
                Assert.Contains("matches no text", fault.Message);
                continue;
            }

            sound++;
            foreach (var fault in Faults(Compile(text), recognizer, ref begins))
                Assert.Fail($"{text}{fault}");
        }

        Assert.InRange(sound, rounds / 3, rounds);
        Assert.InRange(begins, rounds * 3, rounds * BeginsMax);
    }

    private static Guide Compile(string text) => Guide.FromGrammar(text, GrammarSyntax.Unspecified, GuideSettings.Default, Vocabulary);

    private static List<string> Faults(Guide guide, SlowRecognizer recognizer, ref int begins)
    {
        var faults = new List<string>();
        var open = new Queue<string>([""]);
        var known = new Dictionary<string, (bool IsWhole, bool IsBegin)>(StringComparer.Ordinal);
        (bool IsWhole, bool IsBegin) Judge(string text)
        {
            if (!known.TryGetValue(text, out var verdict))
                known.Add(text, verdict = recognizer.Judge(text));
            return verdict;
        }

        var mask = new uint[Vocabulary.Words];
        for (var count = 0; count < BeginsMax && open.TryDequeue(out var begin); count++)
        {
            begins++;
            var matcher = guide.Begin();
            foreach (var letter in begin)
            {
                if (!matcher.TryTake(1 + Array.IndexOf(Words, letter.ToString())))
                    faults.Add($"'{begin}' is refused at '{letter}'");
            }

            matcher.FillMask(mask);
            if (matcher.MayEnd != Judge(begin).IsWhole || (mask[0] & 1) != 0 != Judge(begin).IsWhole)
                faults.Add($"'{begin}' may {(matcher.MayEnd ? "" : "not ")}end");
            for (var token = 1; token < Vocabulary.Tokens.Count; token++)
            {
                var longer = begin + Words[token - 1];
                var allowed = ((mask[token >> 5] >> token) & 1) != 0;
                if (allowed != Judge(longer).IsBegin)
                    faults.Add($"behind '{begin}' '{Words[token - 1]}' is {(allowed ? "" : "not ")}allowed");
                var mark = matcher.Mark;
                if (matcher.TryTake(token) != allowed)
                    faults.Add($"behind '{begin}' '{Words[token - 1]}' is masked otherwise than taken");
                matcher.Return(mark);
                if (allowed && Words[token - 1].Length == 1 && longer.Length <= LengthMax)
                    open.Enqueue(longer);
            }
        }

        return faults;
    }
}
