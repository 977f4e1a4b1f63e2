using Parley.Generator.Guides;
using Parley.Generator.Guides.Json;
using Parley.Generator.Guides.Limits;
using Parley.TestSupport;

namespace Parley.Generator.Tests.Guides;

/// <summary>The specification's own suite, and real schemas with their instances.</summary>
public sealed class FixtureSuiteTests
{
    /// <summary>
    /// Instances of the suite that the guide's language leaves out, as docs/guides.md says: an integer, const or enum written with a
    /// fraction or an
    /// exponent; format as an annotation; meta-schemas that would have to be fetched; host names in punycode; a back reference in a
    /// pattern.
    /// </summary>
    private static readonly string[] Outside =
    [
        "float zero is valid", "float one is valid", "float is valid", "[0.0] is valid", "[1.0] is valid",
        "a float with zero fractional part is an integer", "valid if optional overflow handling is implemented",
        "no validation: invalid number, but it still validates", @"an ECMA 262 named backreference \k<name>",
    ];

    [Fact]
    public void Guide_SuiteOfDraft202012_JudgesAsTheSuiteSays()
    {
        var (groups, refused, instances) = (0, 0, 0);
        var faults = new List<string>();
        foreach (var one in GuideCase.Suite(Shared.Fixture("json-schema", "suite-draft2020-12.json.xz")))
        {
            if (one.Group == "format.json" || one.Group.Contains("format-assertion", StringComparison.Ordinal))
                continue;
            groups++;
            var outside = one.Name.Contains("punycode", StringComparison.Ordinal);
            if (!TryJudge(one, about => outside || Outside.Contains(about), faults, ref instances))
                refused++;
        }

        Assert.True(faults.Count == 0, string.Join("\n", faults));
        Assert.InRange(refused, 0, 48);
        Assert.InRange(groups - refused, 385, groups);
        Assert.InRange(instances, 1_700, int.MaxValue);
    }

    [SlowFact]
    public void Guide_Maskbench_JudgesAsTheInstancesSay()
    {
        var (schemas, refused, instances) = (0, 0, 0);
        var faults = new List<string>();
        foreach (var one in GuideCase.Maskbench(Shared.Fixture("json-schema", "maskbench.jsonl.xz")))
        {
            schemas++;
            if (!TryJudge(one, _ => false, faults, ref instances))
                refused++;
        }

        Assert.True(faults.Count == 0, string.Join("\n", faults));
        Assert.Equal(2_261, schemas);
        Assert.InRange(refused, 0, 5);
        Assert.InRange(instances, 8_000, int.MaxValue);
    }

    /// <summary>False when the schema is refused.</summary>
    private static bool TryJudge(GuideCase one, Func<string, bool> isOutside, List<string> faults, ref int instances)
    {
        Guide guide;
        try
        {
            guide = ByteVocabulary.Guide(one.Schema);
        }
        catch (GuideException exception)
        {
            if (exception.Message == "no text meets the guide" && one.Instances.Any(instance => instance.IsValid))
                faults.Add($"{one.Group}: {one.Name}: refused, but there is a valid instance");
            return false;
        }

        foreach (var (data, isValid, about) in one.Instances)
        {
            instances++;
            string text;
            bool accepted;
            try
            {
                text = InstanceWriter.Write((JsonMachine)guide.Machine, data);
                accepted = ByteVocabulary.Accepts(guide, text);
            }
            catch (GuideException exception) when (exception.Message.Contains("no JSON", StringComparison.Ordinal))
            {
                continue; // half a surrogate pair: no UTF-8 has it
            }

            if (accepted != isValid && (accepted || !isOutside(about)))
                faults.Add($"{one.Group}: {one.Name}: {about}: {text} is {(accepted ? "accepted" : "refused")}");
        }

        return true;
    }
}
