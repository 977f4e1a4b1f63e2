using Parley.Cli.Packages;

namespace Parley.Cli.Tests.Packages;

public sealed class PackageCacheTests
{
    [Theory]
    [InlineData("/models/SmolLM2-135M", "smollm2-135m")]
    [InlineData("/models/SmolLM2-135M/", "smollm2-135m")]
    [InlineData("/models/tiny.gguf", "tiny.gguf")]
    [InlineData("/hub/models--Org--Name-1B/snapshots/0123456789abcdef0123456789abcdef01234567", "org--name-1b")]
    [InlineData("/hub/other/snapshots/0123", "0123")]
    public void NameOf_Source_IsOneFolderName(string source, string name) => Assert.Equal(name, PackageCache.NameOf(source));
}
