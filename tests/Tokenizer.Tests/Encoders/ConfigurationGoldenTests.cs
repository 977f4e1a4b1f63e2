using System.Text;
using Parley.Tokenizer.Detokenization;
using Parley.Tokenizer.Encoders;
using Parley.Tokenizer.Tests.Doubles;
using Parley.TokenizerFormat;

namespace Parley.Tokenizer.Tests.Encoders;

/// <summary>
/// Synthesised tokenizer.json files, one for each combination of stages that folders use, with the answers of Hugging Face's
/// tokenizers 0.23 to random texts and ids.
/// </summary>
public sealed class ConfigurationGoldenTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("configurations.json.gz", 10_800)]
    [InlineData("affixes.json.gz", 2_400)]
    public void EncodeDecode_EveryConfiguration_EqualsReference(string file, int countExpected)
    {
        var wrong = new List<string>();
        var count = 0;
        foreach (var configuration in Fixtures.Golden(file).EnumerateArray())
        {
            var name = configuration.GetProperty("name").GetString()!;
            var json = configuration.GetProperty("tokenizer").GetRawText();
            var tokenizer = new HuggingFaceTokenizer(TokenizerFile.Parse(Encoding.UTF8.GetBytes(json)));
            foreach (var item in configuration.GetProperty("cases").EnumerateArray())
            {
                count++;
                var text = item.GetProperty("text").GetString()!;
                var ids = Fixtures.Ids(item.GetProperty("ids"));
                if (!tokenizer.Encode(text).SequenceEqual(ids))
                    wrong.Add($"{name}: encode {item.GetProperty("text").GetRawText()}");
                if (BatchDecoder.Decode(tokenizer.Tokens, ids, skipSpecialTokens: false) != item.GetProperty("decoded").GetString())
                    wrong.Add($"{name}: decode {item.GetProperty("ids")}");
                var random = Fixtures.Ids(item.GetProperty("r"));
                if (BatchDecoder.Decode(tokenizer.Tokens, random, skipSpecialTokens: false) != item.GetProperty("rkeep").GetString()
                    || BatchDecoder.Decode(tokenizer.Tokens, random, skipSpecialTokens: true) != item.GetProperty("rskip").GetString())
                    wrong.Add($"{name}: decode {item.GetProperty("r")}");
            }
        }

        output.WriteLine($"{count - wrong.Count} of {count} cases equal");
        Assert.Equal(countExpected, count);
        Assert.True(wrong.Count == 0, $"{wrong.Count} of {count} differ:\n" + string.Join('\n', wrong.Take(5)));
    }
}
