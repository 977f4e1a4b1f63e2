using Parley.Tokenizer.Tests.Doubles;
using Parley.TokenizerFormat;

namespace Parley.Tokenizer.Tests.Vocabulary;

public sealed class ModelFolderTests : IDisposable
{
    private const string Snapshot = "models--Org--Name-1B/snapshots/0123456789abcdef0123456789abcdef01234567";
    private readonly string _root = Directory.CreateTempSubdirectory("parley-folder-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData("Name-1B", null, null, "Name-1B")]
    [InlineData("Name-1B/", null, "trained/as", "trained/as")]
    [InlineData(Snapshot, null, "trained/as", "Org/Name-1B")]
    [InlineData(Snapshot + "/", null, null, "Org/Name-1B")]
    [InlineData(Snapshot, "packaged", null, "packaged")]
    [InlineData("models--gpt2/snapshots/0123456789abcdef0123456789abcdef01234567", null, null, "gpt2")]
    [InlineData("models--gpt2/snapshots/0123", null, null, "0123")]
    [InlineData("other/snapshots/0123", null, null, "0123")]
    public void Name_OfAFolder_IsWhatItIsKnownBy(string folder, string? manifest, string? configured, string name)
    {
        var path = Path.Combine(_root, folder);
        Directory.CreateDirectory(path);
        File.WriteAllText(Path.Combine(path, "tokenizer.json"), "{}");
        if (manifest is not null)
            File.WriteAllText(Path.Combine(path, "parley.json"), Manifests.Of(manifest).ToJson());
        if (configured is not null)
            File.WriteAllText(Path.Combine(path, "config.json"), $$"""{"_name_or_path":"{{configured}}"}""");

        Assert.Equal(name, new ModelFolder(path).Name);
    }
}
