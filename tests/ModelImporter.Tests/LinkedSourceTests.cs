using Parley.ModelImporter.Inspection;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Tests;

/// <summary>Sources whose files are symbolic links, as everywhere in a Hugging Face cache.</summary>
public sealed class LinkedSourceTests
{
    private const string Commit = "0123456789abcdef0123456789abcdef01234567";

    [Theory]
    [InlineData("fp32")]
    [InlineData("int4")]
    public void Import_SnapshotOfACache_IsTheSameAndHasItsNameAndRevision(string precision)
    {
        using var folder = new TemporaryFolder();
        var snapshot = Snapshot(folder, "models--Org.X--Tiny-Llama.v1");

        var linked = Import(snapshot, folder.File("a"), precision);
        var plain = Import(Fixture.Folder(Fixture.TiedLlama3Rope), folder.File("b"), precision);

        Assert.Equal(("Org.X/Tiny-Llama.v1", plain.SourceSha256, plain.Bytes + Commit.Length),
            (linked.Name, linked.SourceSha256, linked.Bytes - ManifestGrowth(folder)));
        var (one, other) = (Manifest(folder, "a"), Manifest(folder, "b"));
        Assert.Equal((Commit, (string?)null), (one.SourceRevision, other.SourceRevision));
        Assert.Equal(other.Files, one.Files);
        Assert.All(Directory.GetFiles(folder.File("a")), path => Assert.Null(new FileInfo(path).LinkTarget));
    }

    [Fact]
    public void Import_LinksToLinks_AreFollowed()
    {
        using var folder = new TemporaryFolder();
        var source = new CheckpointCopy(folder, Fixture.TiedLlama3Rope).Path;
        foreach (var name in new[] { "model.safetensors", "config.json" })
        {
            File.Move(Path.Combine(source, name), folder.File(name));
            File.CreateSymbolicLink(folder.File($"{name}.link"), name);
            File.CreateSymbolicLink(Path.Combine(source, name), $"../{name}.link");
        }

        Directory.CreateSymbolicLink(folder.File("by-another-name"), source);

        Assert.Equal("by-another-name", Import(folder.File("by-another-name"), folder.File("package"), "int8").Name);
    }

    [Theory]
    [InlineData("config.json")]
    [InlineData("model.safetensors")]
    [InlineData("tokenizer.json")]
    [InlineData("generation_config.json")]
    public void Import_BrokenLink_NamesBothEnds(string name)
    {
        using var folder = new TemporaryFolder();
        var source = new CheckpointCopy(folder, Fixture.TiedLlama3Rope).Path;
        File.Delete(Path.Combine(source, name));
        File.CreateSymbolicLink(Path.Combine(source, name), "../../blobs/gone");

        var message = Assert.Throws<InvalidDataException>(() => Import(source, folder.File("package"), "fp32")).Message;

        Assert.Contains($"{name} is a link to ../../blobs/gone, which is missing", message, StringComparison.Ordinal);
        Assert.False(Path.Exists(folder.File("package")));
    }

    /// <summary>The Hub's client links into the blobs of the same repository; whoever made another link was not the client.</summary>
    [Theory]
    [InlineData("config.json", "/etc/hostname")]
    [InlineData("tokenizer.json", "../../../secret")]
    [InlineData("model.safetensors", "../../../models--other/blobs/0")]
    [InlineData("additional_chat_templates/a.jinja", "../../../../secret")]
    public void Import_SnapshotWithALinkOutOfItsRepository_NamesBothEnds(string name, string target)
    {
        using var folder = new TemporaryFolder();
        var snapshot = Snapshot(folder, "models--a--b");
        var path = Path.Combine(snapshot, name);
        Directory.CreateDirectory(folder.File("hub/models--other/blobs"));
        File.WriteAllText(folder.File("hub/models--other/blobs/0"), "0");
        File.WriteAllText(folder.File("hub/secret"), "secret");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.Delete(path);
        File.CreateSymbolicLink(path, target);

        var message = Assert.Throws<InvalidDataException>(() => Import(snapshot, folder.File("package"), "fp32")).Message;

        Assert.Contains($"{name} is a link to {target}, out of the repository's folder", message, StringComparison.Ordinal);
        Assert.False(Path.Exists(folder.File("package")));
    }

    [Fact]
    public void Inspect_Snapshot_TellsTheLengthsOfWhatItsLinksLeadTo()
    {
        using var folder = new TemporaryFolder();
        var tree = ModelTree.Read(Snapshot(folder, "models--tiny"));

        Assert.Equal(new FileInfo(Path.Combine(Fixture.Folder(Fixture.TiedLlama3Rope), "model.safetensors")).Length,
            tree.Files.Single(file => file.Name == "model.safetensors").Bytes);
    }

    [Theory]
    [InlineData("models--HuggingFaceTB--SmolLM2-135M-Instruct/snapshots/" + Commit, "HuggingFaceTB/SmolLM2-135M-Instruct")]
    [InlineData("models--gpt2/snapshots/" + Commit + "/", "gpt2")]
    [InlineData("models--a--b/snapshots/main", "main")]
    [InlineData("anything/snapshots/" + Commit, Commit)]
    [InlineData("models/SmolLM2-135M-Instruct/", "smollm2-135m-instruct")]
    public void Name_OfASource_IsWhatItsPlaceSays(string path, string expected)
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File(path));

        Assert.Equal(expected, ModelImport.NameOf(folder.File(path)));
    }

    /// <summary>A snapshot as the Hub's client writes it: relative links into the blobs beside it.</summary>
    private static string Snapshot(TemporaryFolder folder, string repository)
    {
        var snapshot = Directory.CreateDirectory(folder.File($"hub/{repository}/snapshots/{Commit}")).FullName;
        Directory.CreateDirectory(folder.File($"hub/{repository}/blobs"));
        foreach (var (i, path) in Directory.GetFiles(Fixture.Folder(Fixture.TiedLlama3Rope)).Index())
        {
            File.Copy(path, folder.File($"hub/{repository}/blobs/{i:x40}"));
            File.CreateSymbolicLink(Path.Combine(snapshot, Path.GetFileName(path)), $"../../blobs/{i:x40}");
        }

        return snapshot;
    }

    private static ImportResult Import(string source, string destination, string precision) =>
        ModelImport.Run(new ImportOptions { Source = source, Destination = destination, Precision = precision });

    private static ModelManifest Manifest(TemporaryFolder folder, string package) =>
        ModelManifest.Parse(File.ReadAllText(folder.File($"{package}/parley.json")), package);

    private static long ManifestGrowth(TemporaryFolder folder) =>
        new FileInfo(folder.File("a/parley.json")).Length - new FileInfo(folder.File("b/parley.json")).Length - Commit.Length;
}
