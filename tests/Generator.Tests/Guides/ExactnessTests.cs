using System.Text;
using System.Text.Json;
using Parley.Generator.Guides;
using Parley.Generator.Guides.Limits;
using Parley.Generator.Guides.Vocabulary;
using Parley.TestSupport;

namespace Parley.Generator.Tests.Guides;

/// <summary>
/// A token is allowed if and only if some continuation of it is valid: tried out, not argued, on values that are few enough to try all.
/// </summary>
public sealed class ExactnessTests
{
    private static readonly byte[] Alphabet = [.. SmallWorld.Texts.SelectMany(Encoding.UTF8.GetBytes).Distinct(), (byte)'x', (byte)' ',
        0xC3];

    private static readonly TokenVocabulary Vocabulary = new(Tokens(), [0]);

    [Fact]
    public void FillMask_RandomSchemas_AllowsExactlyWhatCanBeEnded() => Try(rounds: 40, seed: 17);

    [SlowFact]
    public void FillMask_ManyRandomSchemas_AllowsExactlyWhatCanBeEnded() => Try(rounds: 1_500, seed: 18);

    private static void Try(int rounds, int seed)
    {
        var schemas = new RandomSchemas(seed);
        var (compiled, empty) = (0, 0);
        for (var round = 0; round < rounds; round++)
        {
            var inner = schemas.Next().ToJsonString();
            var text = $$$"""{"allOf":[{{{SmallWorld.Schema}}},{{{inner}}}],"$defs":{"scalar":{{{SmallWorld.Scalar}}}}}""";
            using var schema = JsonDocument.Parse(text);
            var valid = SmallWorld.Texts.Where(value => IsValid(schema.RootElement, value)).ToHashSet();
            Guide guide;
            try
            {
                guide = Guide.FromSchema(text, GuideSettings.Default, Vocabulary);
            }
            catch (GuideException exception) when (exception.Message == "no text meets the guide")
            {
                Assert.True(valid.Count == 0, $"{inner} lets {valid.FirstOrDefault()} pass");
                empty++;
                continue;
            }

            catch (GuideException exception) when (exception.Message.StartsWith("uniqueItems is supported", StringComparison.Ordinal))
            {
                continue;
            }

            Assert.True(valid.Count > 0, $"{inner} lets nothing pass");
            compiled++;
            foreach (var fault in Faults(guide, valid))
                Assert.Fail($"{inner}: {fault}");
        }

        Assert.InRange(compiled, rounds / 2, rounds);
        Assert.InRange(empty, 1, rounds / 2);
    }

    private static bool IsValid(JsonElement schema, string value)
    {
        using var document = JsonDocument.Parse(value);
        return SchemaOracle.IsValid(schema, document.RootElement, schema);
    }

    /// <summary>Every prefix of every valid text is tried with every token.</summary>
    private static IEnumerable<string> Faults(Guide guide, HashSet<string> valid)
    {
        var prefixes = valid.SelectMany(text => Enumerable.Range(0, text.Length + 1).Select(length => text[..length])).ToHashSet();
        var mask = new uint[Vocabulary.Words];
        foreach (var prefix in prefixes)
        {
            var matcher = guide.Begin();
            foreach (var next in prefix)
            {
                if (!matcher.TryTake(1 + Array.IndexOf(Alphabet, (byte)next)))
                    yield return $"'{prefix}' is refused at '{next}'";
            }

            if (matcher.MayEnd != valid.Contains(prefix))
                yield return $"'{prefix}' may {(matcher.MayEnd ? "" : "not ")}end";
            matcher.FillMask(mask);
            for (var token = 0; token < Vocabulary.Tokens.Count; token++)
            {
                var allowed = ((mask[token >> 5] >> token) & 1) != 0;
                var right = token == 0 ? valid.Contains(prefix)
                    : prefixes.Contains(prefix + Encoding.Latin1.GetString(Vocabulary.Tokens[token]!));
                if (allowed != right)
                    yield return $"behind '{prefix}' token {token} is {(allowed ? "" : "not ")}allowed";
            }
        }
    }

    /// <summary>The end, every byte, and pieces of the texts with a few that no text has.</summary>
    private static List<byte[]?> Tokens()
    {
        var pieces = SmallWorld.Texts
            .SelectMany(text => Enumerable.Range(0, text.Length).SelectMany(from =>
                Enumerable.Range(2, 5).Where(length => from + length <= text.Length)
                .Select(length => text.Substring(from, length))))
            .Append("\"x").Append("{}x").Append("\",\"c\":").Append("null,").Distinct().Order(StringComparer.Ordinal);
        return [null, .. Alphabet.Select(one => new[] { one }), .. pieces.Select(Encoding.Latin1.GetBytes)];
    }
}
