using Parley.TestSupport;

namespace Parley.ModelImporter.Tests.Parity;

/// <summary>
/// Families and switches that no fixture has, against a plain forward pass that is itself held against transformers' answers.
/// </summary>
public sealed class FamilyTests
{
    private const int Tokens = 70;

    [Theory]
    [MemberData(nameof(ParityCheckpoint.All), MemberType = typeof(ParityCheckpoint))]
    public void Reference_EveryFixture_AnswersAsTransformersDoes(string name)
    {
        var checkpoint = new ParityCheckpoint(name);
        var reference = new FamilyForward(checkpoint.Folder);
        foreach (var scene in checkpoint.Cases())
        {
            var logits = reference.Logits([.. scene.Ids.Select(id => (int)id)]);

            Assert.InRange(Fixture.RelativeError([.. logits[^1].Select(value => (float)value)], scene.Last), 0, 2e-5);
            Assert.InRange(Fixture.RelativeError([.. logits[scene.MiddleIndex].Select(value => (float)value)], scene.Middle), 0, 2e-5);
        }
    }

    /// <summary>One for each family and each switch that changes what it computes: the type, and fields beside the sizes.</summary>
    public static TheoryData<string, string> Switches { get; } =
    [
        .. File.ReadLines(Path.Combine(Shared.RepositoryRoot, "tests", "ModelImporter.Tests", "Fixtures", "families.txt"))
            .Select(line => line.Split(' ', 2)).Select(parts => new TheoryDataRow<string, string>(parts[0], parts[1])),
    ];

    [Theory]
    [MemberData(nameof(Switches))]
    public void Logits_RandomWeights_AreThoseOfThePlainForward(string modelType, string fields)
    {
        using var folder = new TemporaryFolder();
        // What the reference has no default for.
        var source = RandomCheckpoint.Write(folder, modelType, WithEpsilon(fields), seed: fields.Length);
        using var package = new ParityPackage(source);
        using var runner = package.Open(ParityPackage.Options());
        var random = new Random(fields.Length);
        uint[] ids = [.. Enumerable.Range(0, Math.Min(Tokens, package.Shape.ContextTokensMax)).Select(_ => (uint)random.Next(384))];

        var actual = package.Logits(runner, [ids], 9)[0];

        var expected = new FamilyForward(source).Logits([.. ids.Select(id => (int)id)]);
        for (var t = 0; t < ids.Length; t++)
            Assert.InRange(Fixture.RelativeError(actual[t], [.. expected[t].Select(value => (float)value)]), 0, 1e-4);
    }

    private static string WithEpsilon(string fields) =>
        fields.Length == 2 ? """{"rms_norm_eps":1e-5}""" : """{"rms_norm_eps":1e-5,""" + fields[1..];
}
