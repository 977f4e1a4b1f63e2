using Parley.Cli.Packages;

namespace Parley.Cli.Tests.Packages;

public sealed class PackageCacheTests
{
    [Theory]
    [InlineData("HuggingFaceTB/SmolLM2-135M-Instruct", "huggingfacetb-smollm2-135m-instruct")]
    [InlineData("../../etc/passwd", "-.-..-etc-passwd")]
    [InlineData("..", "-.")]
    [InlineData("a b\\c:d", "a-b-c-d")]
    [InlineData("tiny_llama.v1", "tiny_llama.v1")]
    public void FolderName_OfAnyModel_LeadsNowhereElse(string name, string expected) =>
        Assert.Equal(expected, PackageCache.FolderName(name));
}
