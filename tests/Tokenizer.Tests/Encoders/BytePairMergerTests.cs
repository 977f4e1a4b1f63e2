using CsCheck;
using Parley.Tokenizer.Encoders;
using Parley.Tokenizer.Tests.Doubles;
using Parley.TokenizerFormat;

namespace Parley.Tokenizer.Tests.Encoders;

/// <summary>Every way of merging gives what taking the lowest and then leftmost pair, again and again, gives.</summary>
public sealed class BytePairMergerTests
{
    private const int Letters = 4;

    // Symbols that come in runs and in repeated patterns, where the order of merges shows.
    private static readonly Gen<int[]> Symbols = Gen.OneOf(
        Gen.Int[0, Letters - 1].Array[2, 90],
        Gen.Select(Gen.Int[0, Letters - 1].Array[1, 5], Gen.Int[1, 60]).Select((pattern, times) =>
            Enumerable.Repeat(pattern, times).SelectMany(part => part).ToArray()));

    [Fact]
    public void Merge_OrderedTable_EqualsTheDefinition() =>
        Gen.Select(Gen.Int[0, 1000].Array[1, 40], Symbols).Sample((choices, symbols) =>
        {
            var merges = OrderedTable(choices);
            var expected = Definition(symbols, merges);
            Assert.Equal(expected, Merged(symbols, merges, RankMerger.Merge));
            Assert.Equal(expected, Merged(symbols, merges, BytePairMerger.Merge));
        }, iter: 4_000);

    [Fact]
    public void Merge_AnyTable_EqualsTheDefinition() =>
        Gen.Select(Gen.Int[0, 1000].Array[1, 40], Gen.Int[0, 1000], Symbols).Sample((choices, seed, symbols) =>
        {
            var merges = ShuffledTable(choices, seed);
            var expected = Definition(symbols, merges);
            Assert.Equal(expected, Merged(symbols, merges, RankMerger.Merge));
            Assert.Equal(expected, Merged(symbols, merges, BytePairMerger.Merge));
        }, iter: 4_000);

    [Fact]
    public void IsUndercut_ATokenUsedBeforeItIsMade_IsSaid()
    {
        var merges = new MergeTable(4);
        merges.Add(9, 1, 0, 10);
        merges.Add(0, 1, 1, 9);
        merges.Complete();
        Assert.False(merges.IsUndercut(0));
        Assert.True(merges.IsUndercut(1));
    }

    [Theory]
    [InlineData("llama3")]
    [InlineData("gpt-2")]
    [InlineData("llama-spm")]
    [InlineData("deepseek-llm")]
    [InlineData("falcon")]
    public void Merge_LongRunsOfAVocabulary_EqualTheDefinition(string name)
    {
        var json = Fixtures.TokenizerJson(name).GetRawText();
        var file = TokenizerFile.Parse(System.Text.Encoding.UTF8.GetBytes(json));
        var random = new Random(5);
        var ids = file.Vocabulary.Where(token => token.Key.Length == 1).Select(token => token.Value).Order().ToArray();
        for (var round = 0; round < 60; round++)
        {
            var pattern = Enumerable.Range(0, random.Next(1, 9)).Select(_ => ids[random.Next(ids.Length)]).ToArray();
            var symbols = Enumerable.Range(0, random.Next(2, 400)).Select(i => round % 3 == 0 ? ids[random.Next(ids.Length)]
                : pattern[i % pattern.Length]).ToArray();
            Assert.Equal(Definition(symbols, file.Merges), Merged(symbols, file.Merges, RankMerger.Merge));
        }
    }

    [Fact]
    public void Encode_LongTextsInTurnWithShortOnes_AreWhatTheyAreAlone()
    {
        // 100,000 symbols, more than a thread keeps the room for.
        var tokenizer = new HuggingFaceTokenizer(TokenizerFile.Parse(
            System.Text.Encoding.UTF8.GetBytes(SmallModel.TokenizerJson().ToJsonString())));
        var text = string.Concat(Enumerable.Repeat("hello", 20_000));
        for (var round = 0; round < 3; round++)
        {
            Assert.Equal(Enumerable.Repeat(259, 20_000), tokenizer.Encode(text));
            Assert.Equal([259], tokenizer.Encode("hello"));
            if (round == 1)
                GC.Collect();
        }
    }

    // Each merge joins two tokens that exist by then, as training does.
    private static MergeTable OrderedTable(int[] choices)
    {
        var merges = new MergeTable(64);
        var count = Letters;
        for (var rank = 0; rank < choices.Length; rank++)
        {
            var (left, right) = (choices[rank] % count, choices[rank] / count % count);
            if (merges.Find(left, right, out _) == MergeTable.NoRank)
                merges.Add(left, right, rank, count++);
        }

        merges.Complete();
        return merges;
    }

    private static MergeTable ShuffledTable(int[] choices, int seed)
    {
        var ranks = Enumerable.Range(0, choices.Length).ToArray();
        new Random(seed).Shuffle(ranks);
        var merges = new MergeTable(64);
        var count = Letters;
        for (var i = 0; i < choices.Length; i++)
        {
            var (left, right) = (choices[i] % count, choices[i] / count % count);
            var makesOld = count > Letters && choices[i] % 5 == 0;
            if (merges.Find(left, right, out _) == MergeTable.NoRank)
                merges.Add(left, right, ranks[i], makesOld ? Letters + (choices[i] % (count - Letters)) : count++);
        }

        merges.Complete();
        return merges;
    }

    private static int[] Merged(int[] symbols, MergeTable merges, Action<SymbolBuffer, MergeTable> merge)
    {
        var buffer = new SymbolBuffer();
        foreach (var symbol in symbols)
            buffer.Add(symbol);
        merge(buffer, merges);
        return buffer.Ids.ToArray();
    }

    private static List<int> Definition(int[] symbols, MergeTable merges)
    {
        var ids = symbols.ToList();
        while (ids.Count > 1)
        {
            var best = Enumerable.Range(0, ids.Count - 1).MinBy(at => merges.Find(ids[at], ids[at + 1], out _));
            if (merges.Find(ids[best], ids[best + 1], out var merged) == MergeTable.NoRank)
                break;
            ids[best] = merged;
            ids.RemoveAt(best + 1);
        }

        return ids;
    }
}
