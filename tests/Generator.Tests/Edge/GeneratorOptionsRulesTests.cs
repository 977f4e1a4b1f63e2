namespace Parley.Generator.Tests.Edge;

/// <summary>Settings that do not go together are refused at start, each by its name.</summary>
public sealed class GeneratorOptionsRulesTests
{
    [Theory]
    [InlineData(500, 32, "Generator:StateSnapshotTokens is 500, no multiple of Generator:KvBlockTokens, 32.")]
    [InlineData(512, 1024, "Generator:StateSnapshotTokens is 512, no multiple of Generator:KvBlockTokens, 1024.")]
    [InlineData(512, 24, "Generator:KvBlockTokens is 24, which is not a power of two.")]
    public void Validate_SnapshotsOffTheBordersOfBlocks_AreRefused(int snapshot, int block, string expected)
    {
        var options = new GeneratorOptions { StateSnapshotTokens = snapshot, KvBlockTokens = block };

        var result = new GeneratorOptionsRules().Validate(null, options);

        Assert.True(result.Failed);
        Assert.Contains(expected, result.Failures);
    }

    [Fact]
    public void Validate_TheDefaults_AreFine() => Assert.True(new GeneratorOptionsRules().Validate(null, new GeneratorOptions()).Succeeded);
}
