using Parley.TestSupport;

namespace Parley.ModelImporter.Tests;

/// <summary>The reference forward of the tests is itself checked against the reference implementation's answers.</summary>
public sealed class ReferenceForwardTests
{
    [Theory]
    [InlineData(Fixture.TiedLlama3Rope)]
    [InlineData(Fixture.UntiedHeadDim32)]
    [InlineData(Fixture.Linear)]
    public void Reference_TinyCheckpoints_AnswersAsTransformersDoes(string name)
    {
        var reference = new ReferenceForward(Fixture.Folder(name));
        foreach (var scene in Fixture.Expected(name).GetProperty("cases").EnumerateArray())
        {
            var ids = Fixture.Ids(scene.GetProperty("ids"));
            var logits = reference.Logits(ids);
            var expected = Fixture.Ids(scene.GetProperty("greedy_ignore_eos"));

            Assert.InRange(Fixture.RelativeError(logits[^1], Fixture.Numbers(scene.GetProperty("last_logits"))), 0, 2e-6);
            Assert.Contains(logits, row => Fixture.RelativeError(row, Fixture.Numbers(scene.GetProperty("mid_logits"))) < 2e-6);

            // Greedy, one forward for all steps: after the prompt and what was chosen so far, the next one is the most likely.
            var path = reference.Logits([.. ids, .. expected]);
            Assert.Equal(expected,
                expected.Select((_, step) => Array.IndexOf(path[ids.Length - 1 + step], path[ids.Length - 1 + step].Max())));
        }
    }
}
