using Parley.ModelImporter;
using Parley.TestSupport;

namespace Parley.ModelPackages.Tests;

public sealed class PackageCacheTests : IDisposable
{
    private const string HashStage = "hash: all";
    private readonly string _folder = Directory.CreateTempSubdirectory("parley-cache-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("HuggingFaceTB/SmolLM2-135M-Instruct", "huggingfacetb-smollm2-135m-instruct")]
    [InlineData("../../etc/passwd", "-.-..-etc-passwd")]
    [InlineData("..", "-.")]
    [InlineData("a b\\c:d", "a-b-c-d")]
    [InlineData("tiny_llama.v1", "tiny_llama.v1")]
    public void FolderName_OfAnyModel_LeadsNowhereElse(string name, string expected) =>
        Assert.Equal(expected, PackageCache.FolderName(name));

    /// <summary>The import hashes what it reads: no source is read for its hash alone unless a package lies there that may be it.</summary>
    [Fact]
    public void Resolve_OfAFolder_ReadsItOnceAndKnowsItAgain()
    {
        var source = CopyDemo();
        var (first, firstText) = Resolve(source);
        var (again, againText) = Resolve(source);
        // Its times have changed and its bytes have not.
        Settle(source, DateTime.UtcNow.AddHours(-2));
        var (touched, touchedText) = Resolve(source);
        File.WriteAllText(Path.Combine(source, "generation_config.json"), """{"eos_token_id": 2, "temperature": 0.5}""");
        Settle(source, DateTime.UtcNow.AddHours(-3));
        var (changed, changedText) = Resolve(source);

        Assert.Contains("Importing", firstText, StringComparison.Ordinal);
        Assert.DoesNotContain(HashStage, firstText, StringComparison.Ordinal);
        Assert.EndsWith("-" + ModelImport.SourceHash(source)[..ImportOptions.HashDigits], changed, StringComparison.Ordinal);
        Assert.Equal((first, ""), (again, againText));
        Assert.Equal(first, touched);
        Assert.Contains(HashStage, touchedText, StringComparison.Ordinal);
        Assert.DoesNotContain("Importing", touchedText, StringComparison.Ordinal);
        Assert.NotEqual(first, changed);
        Assert.Contains("Importing", changedText, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(first, "parley.json")) && File.Exists(Path.Combine(changed, "parley.json")));
    }

    /// <summary>Two programs that start with the same model at once import it once.</summary>
    [Fact]
    public async Task Resolve_FromTwoAtOnce_ImportsOnce()
    {
        var source = CopyDemo();

        var both = await Task.WhenAll(Task.Run(() => Resolve(source)), Task.Run(() => Resolve(source)));

        Assert.Equal(both[0].Package, both[1].Package);
        Assert.Single(both, one => one.Text.Contains("Importing", StringComparison.Ordinal));
        Assert.Single(Directory.GetDirectories(Path.Combine(_folder, "cache", "packages")));
    }

    private string CopyDemo()
    {
        var source = Directory.CreateDirectory(Path.Combine(_folder, "demo")).FullName;
        foreach (var path in Directory.GetFiles(Path.Combine(Shared.RepositoryRoot, "models", "demo")))
            File.Copy(path, Path.Combine(source, Path.GetFileName(path)));
        Settle(source, DateTime.UtcNow.AddHours(-1));
        return source;
    }

    /// <summary>A file that was written to a moment ago is not believed.</summary>
    private static void Settle(string source, DateTime time)
    {
        foreach (var path in Directory.GetFiles(source))
            File.SetLastWriteTimeUtc(path, time);
    }

    private (string Package, string Text) Resolve(string source)
    {
        var view = new WrittenProgress();
        var options = new ImportOptions { Source = source, Destination = "", ContextTokensMax = 64 };
        var package = PackageCache.Resolve(
            Path.Combine(_folder, "cache"), view, ModelSource.OfPath(source), options, "int8", CancellationToken.None);
        return (package, view.Text);
    }
}
