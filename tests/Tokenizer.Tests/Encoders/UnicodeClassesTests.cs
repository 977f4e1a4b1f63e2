using Parley.Tokenizer.Encoders.PreTokenizers;
using Parley.Tokenizer.Tests.Doubles;
using Parley.TokenizerFormat;

namespace Parley.Tokenizer.Tests.Encoders;

/// <summary>
/// Which characters a class has, for every code point there is: how many, and the sum of them, as tokenizers 0.23.3 has it. A runtime
/// with tables of another Unicode version fails here.
/// </summary>
public sealed class UnicodeClassesTests
{
    private static readonly string Everything = string.Concat(Enumerable.Range(0, 0x110000)
        .Where(point => point is < 0xD800 or > 0xDFFF).Select(char.ConvertFromUtf32));

    [Theory]
    [InlineData(@"\w", 144671, 15621630088L)]
    [InlineData(@"[\w]", 144665, 15621628979L)]
    [InlineData(@"\W", 967393, 604885244792L)]
    [InlineData(@"[^\w]", 967399, 604885245901L)]
    [InlineData(@"\d", 760, 39891450L)]
    [InlineData(@"\s", 25, 141586L)]
    [InlineData(@"\S", 1112039, 620506733294L)]
    [InlineData(@"\h", 22, 1527L)]
    [InlineData(@".", 1112063, 620506874870L)]
    [InlineData(@"(?m:.)", 1112064, 620506874880L)]
    [InlineData(@"\p{Word}", 144671, 15621630088L)]
    [InlineData(@"[\p{Word}]", 144665, 15621628979L)]
    [InlineData(@"\p{L}", 141028, 15240929258L)]
    [InlineData(@"\p{N}", 1911, 110651895L)]
    [InlineData(@"\p{P}", 855, 28835015L)]
    [InlineData(@"\p{S}", 8514, 620170451L)]
    [InlineData(@"\p{M}", 2501, 316771473L)]
    [InlineData(@"\p{^Lu}", 1110206, 620419950523L)]
    [InlineData(@"\p{Punct}", 855, 28835015L)]
    [InlineData(@"\p{Graph}", 292447, 154231711121L)]
    [InlineData(@"\p{Alphabetic}", 142759, 15314421907L)]
    [InlineData(@"\p{Emoji}", 1431, 162209198L)]
    [InlineData(@"\p{Han}", 99030, 12573883150L)]
    [InlineData(@"\p{Hiragana}", 381, 33455756L)]
    [InlineData(@"\p{Katakana}", 321, 9165001L)]
    [InlineData(@"\p{Hangul}", 11739, 566124223L)]
    [InlineData(@"\p{Latin}", 1487, 27421744L)]
    [InlineData(@"\p{Cyrillic}", 508, 12793574L)]
    [InlineData(@"\p{Greek}", 518, 15787342L)]
    [InlineData(@"\p{Arabic}", 1373, 71326622L)]
    [InlineData(@"\p{Hebrew}", 134, 3087732L)]
    [InlineData(@"\p{Thai}", 86, 312105L)]
    [InlineData(@"\p{Devanagari}", 164, 2397130L)]
    [InlineData(@"\p{Tamil}", 123, 3974599L)]
    [InlineData(@"\p{Common}", 9053, 783105505L)]
    [InlineData(@"\p{Unknown}", 957001, 604097058112L)]
    [InlineData(@"[[:alnum:]]", 143519, 15354313357L)]
    [InlineData(@"[[:alpha:]]", 142759, 15314421907L)]
    [InlineData(@"[[:ascii:]]", 128, 8128L)]
    [InlineData(@"[[:blank:]]", 18, 124942L)]
    [InlineData(@"[[:cntrl:]]", 65, 5215L)]
    [InlineData(@"[[:digit:]]", 760, 39891450L)]
    [InlineData(@"[[:graph:]]", 292447, 154231711121L)]
    [InlineData(@"[[:lower:]]", 2569, 117919901L)]
    [InlineData(@"[[:print:]]", 292464, 154231836054L)]
    [InlineData(@"[[:punct:]]", 9369, 649005466L)]
    [InlineData(@"[[:space:]]", 25, 141586L)]
    [InlineData(@"[[:upper:]]", 1978, 97237165L)]
    [InlineData(@"[[:xdigit:]]", 22, 1527L)]
    [InlineData(@"[[:word:]]", 144665, 15621628979L)]
    [InlineData(@"[^[:alpha:]]", 969305, 605192452973L)]
    [InlineData(@"(?i:[\p{Lu}])", 3266, 122938234L)]
    [InlineData(@"(?i:\p{Lu})", 1858, 86924357L)]
    [InlineData(@"(?i:[A-Z])", 54, 13735L)]
    [InlineData(@"(?i:[^s])", 1112061, 620506874299L)]
    [InlineData(@"(?i:ß)", 2, 8061L)]
    [InlineData(@"(?i:k)", 3, 8672L)]
    [InlineData(@"(?i:[[:upper:]])", 3428, 133633471L)]
    [InlineData(@"[\p{L}&&[^\p{Han}]]", 42343, 2671462169L)]
    [InlineData(@"[^\s\p{L}\p{N}]", 969100, 605155152141L)]
    [InlineData(@"[\p{L}\p{M}&&\p{Latin}]", 1448, 27087779L)]
    [InlineData(@"[^a-z&&[^x]]", 1112039, 620506872153L)]
    [InlineData(@"[\x{1F600}-\x{1F64F}]", 80, 10284120L)]
    [InlineData(@"(?i:[\x{10400}-\x{10427}])", 80, 5327960L)]
    public void FindAll_EveryCodePoint_MatchesThoseOfTheReference(string pattern, int count, long sum)
    {
        var matches = new List<(int Start, int Length)>();
        new ShadowRegex(pattern).FindAll(Everything, matches);
        var points = matches.Select(match => (long)char.ConvertToUtf32(Everything, match.Start)).ToList();
        Assert.Equal((count, sum), (points.Count, points.Sum()));
        Assert.All(matches, match => Assert.Equal(char.IsHighSurrogate(Everything[match.Start]) ? 2 : 1, match.Length));
    }

    [Theory]
    [InlineData("\"Whitespace\"", 967372, 604885087906L)]
    [InlineData("\"BertPreTokenizer\"", 726, 20675981L)]
    [InlineData("\"Punctuation\"", 726, 20675981L)]
    [InlineData("\"Digits\"", 1924, 111666371L)]
    public void Apply_EveryCodePointBetweenLetters_CutsWhereTheReferenceDoes(string preTokenizer, int count, long sum)
    {
        var section = System.Text.Json.JsonElement.Parse($$"""{"type": {{preTokenizer}}}""");
        var pipeline = PreTokenizerReader.Read(new JsonSection(section, "pre_tokenizer"));
        var (pieces, spare) = (new List<TextPiece>(), new List<TextPiece>());
        var points = new List<long>();
        foreach (var rune in Everything.EnumerateRunes())
        {
            var text = $"a{rune}a";
            pipeline.Apply(new TextPiece(text, 0, text.Length, AtStart: true), ref pieces, ref spare);
            if (pieces.Count == 3)
                points.Add(rune.Value);
        }

        Assert.Equal((count, sum), (points.Count, points.Sum()));
    }

    [Fact]
    public void Find_NameInAnyForm_IsTheSameClass()
    {
        foreach (var name in (string[])["Script_That_Is_Not", "IsGreek", "gc=L", "L&", ""])
            Assert.Null(UnicodeClasses.Find(name));
        foreach (var (one, other) in new[] { ("Han", "h a-n"), ("Hani", "Han"), ("Uppercase_Letter", "Lu"), ("White_Space", "Space") })
            Assert.Equal(UnicodeClasses.Find(one)!.Ranges, UnicodeClasses.Find(other)!.Ranges);
    }

    [Theory]
    [InlineData(@"\p{Klingon}", "\\p{Klingon}")]
    [InlineData(@"[[:klingon:]", "not closed")]
    [InlineData(@"a)", "has no (")]
    [InlineData(@"\X", "\\X")]
    [InlineData(@"(?~ab)", "(?~")]
    [InlineData(@"[z-a]", "range")]
    public void Constructor_WhatIsNotSupported_IsRefusedByName(string pattern, string expected) =>
        Assert.Contains(expected, Assert.ThrowsAny<ArgumentException>(() => new ShadowRegex(pattern)).Message);

    [Fact]
    public void Split_RandomExpressions_MatchWhereTheReferenceDoes()
    {
        var faults = new List<string>();
        foreach (var item in Fixtures.Golden("patterns.json.gz").EnumerateArray())
        {
            var pattern = item[0].GetString()!;
            try
            {
                var regex = new ShadowRegex(pattern);
                foreach (var (text, expected) in item[1].EnumerateArray().Zip(item[2].EnumerateArray()))
                {
                    var matches = new List<(int Start, int Length)>();
                    regex.FindAll(text.GetString(), matches);
                    var found = matches.Where(match => match.Length > 0)
                        .Select(match => text.GetString()!.Substring(match.Start, match.Length));
                    var wanted = expected.EnumerateArray().Select(one => one.GetString()!);
                    if (!found.SequenceEqual(wanted))
                        faults.Add($"{pattern}  {text}  {string.Join("|", found)}  instead of  {string.Join("|", wanted)}");
                }
            }
            catch (ArgumentException exception)
            {
                faults.Add($"{pattern}  {exception.Message}");
            }
        }

        Assert.True(faults.Count == 0, $"{faults.Count}\n{string.Join("\n", faults.Take(40))}");
    }
}
