using Parley.ModelHub.Tests.Doubles;

namespace Parley.ModelHub.Tests;

/// <summary>What the cache holds, and what goes with a model.</summary>
public sealed class CachedModelsTests
{
    private const string Name = "org/small-model";

    [Fact]
    public async Task List_OfTwoCommits_NamesTheirBranchesAndFiles()
    {
        await using var bench = await TwoRevisionsAsync();

        var revisions = CachedModels.List(bench.Settings());

        Assert.Equal([new string('a', 40), new string('b', 40)], revisions.Select(revision => revision.Commit));
        Assert.Equal([["main"], ["dev"]], revisions.Select(revision => revision.Revisions));
        Assert.All(revisions, revision => Assert.Equal(Name, revision.Repository));
        Assert.Equal(["config.json", "model.safetensors", "tokenizer.json"], revisions[0].Files);
        Assert.Equal(5500 + 2 + """{"model_type": "llama"}""".Length, revisions[0].Bytes);
    }

    [Fact]
    public async Task Remove_OfOneCommit_LeavesWhatTheOtherShares()
    {
        await using var bench = await TwoRevisionsAsync();

        var free = CachedModels.Remove(bench.Settings(), Name, new string('b', 40));

        // The weights differ, configuration and tokenizer do not.
        Assert.Equal(700, free);
        Assert.Equal(["main"], Assert.Single(CachedModels.List(bench.Settings())).Revisions);
        var offline = await bench.PullAsync(Name, bench.Settings(offline: true));
        Assert.Equal(5500, File.ReadAllBytes(offline.Source + "/model.safetensors").Length);
        await Assert.ThrowsAsync<HubException>(() => bench.PullAsync(Name + "@dev", bench.Settings(offline: true)));
    }

    [Fact]
    public async Task Remove_OfTheWhole_LeavesNothing()
    {
        await using var bench = await TwoRevisionsAsync();
        CachedModels.Remove(bench.Settings(), Name, null);
        Assert.False(Directory.Exists(bench.RepositoryFolder(Name)));
        Assert.Empty(CachedModels.List(bench.Settings()));
        Assert.Equal(0, CachedModels.Remove(bench.Settings(), Name, null));
    }

    [Fact]
    public async Task Remove_WhileSomebodyFetches_IsRefused()
    {
        await using var bench = await TwoRevisionsAsync();
        var folder = Path.Combine(bench.CacheFolder, ".locks", "models--org--small-model");
        using (new FileStream(Directory.GetFiles(folder)[0], FileMode.Open, FileAccess.ReadWrite, FileShare.None))
            Assert.Throws<HubException>(() => CachedModels.Remove(bench.Settings(), Name, null));
        Assert.Equal(2, CachedModels.List(bench.Settings()).Count);
    }

    [Fact]
    public async Task FindCached_OfASnapshotThatLacksItsSettings_IsIncomplete()
    {
        await using var bench = await HubBench.StartAsync();
        var repository = bench.AddModel(Name);
        repository.Files.Remove("README.md");
        repository.Files.Remove("pytorch_model.bin");
        repository.With("generation_config.json", "{}");
        var model = await bench.PullAsync(Name);
        File.Delete(Path.Combine(model.Folder, "generation_config.json"));

        await Assert.ThrowsAsync<HubException>(() => bench.PullAsync(Name, bench.Settings(offline: true)));
    }

    private static async Task<HubBench> TwoRevisionsAsync()
    {
        var bench = await HubBench.StartAsync();
        bench.AddModel(Name);
        bench.AddModel(Name, 700, "dev", 'b');
        await bench.PullAsync(Name);
        await bench.PullAsync(Name + "@dev");
        return bench;
    }
}
