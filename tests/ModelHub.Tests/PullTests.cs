using Parley.ModelHub.Naming;
using Parley.ModelHub.Tests.Doubles;
using Parley.TestSupport.Hub;

namespace Parley.ModelHub.Tests;

/// <summary>A pull that goes well: what it asks for, what it leaves, and what it does not do a second time.</summary>
public sealed class PullTests
{
    private const string Name = "org/small-model";

    [Fact]
    public async Task Pull_OfAModel_BringsWhatServingNeedsAndNoMore()
    {
        await using var bench = await HubBench.StartAsync();
        var repository = bench.AddModel(Name);

        var model = await bench.PullAsync(Name);

        Assert.Equal(repository.Commit, model.Commit);
        Assert.Equal(["config.json", "model.safetensors", "tokenizer.json"],
            Directory.GetFiles(model.Folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        foreach (var file in model.Files)
            Assert.Equal(repository.Files[file.Path].Bytes, File.ReadAllBytes(Path.Combine(model.Folder, file.Path)));
        Assert.DoesNotContain(bench.Hub.Requests, request => request.Path.EndsWith(".bin", StringComparison.Ordinal));
        Assert.Equal(repository.Files["model.safetensors"].Bytes.Length, bench.Progress[^1].BytesDone);
    }

    [Fact]
    public async Task Pull_OfAModel_LeavesTheHubsOwnLayout()
    {
        await using var bench = await HubBench.StartAsync();
        var repository = bench.AddModel(Name);
        var model = await bench.PullAsync(Name);
        var folder = bench.RepositoryFolder(Name);

        Assert.Equal(repository.Commit, File.ReadAllText(Path.Combine(folder, "refs", "main")));
        Assert.Equal(Path.Combine(folder, "snapshots", repository.Commit), model.Folder);
        var link = new FileInfo(Path.Combine(model.Folder, "model.safetensors")).LinkTarget;
        Assert.Equal($"../../blobs/{LocalRepository.Sha256(repository.Files["model.safetensors"].Bytes)}", link);
        var blobs = Directory.GetFiles(Path.Combine(folder, "blobs")).Select(path => Path.GetFileName(path)!).ToHashSet();
        Assert.Equal(3, blobs.Count);
        Assert.Contains(LocalRepository.GitId(repository.Files["config.json"].Bytes), blobs);
        Assert.True(File.Exists(Path.Combine(bench.CacheFolder, "CACHEDIR.TAG")));
        // README.md is not there, so a list of the commit's files would call the snapshot incomplete.
        Assert.False(Directory.Exists(Path.Combine(folder, "trees")));
    }

    [Fact]
    public async Task Pull_OfEveryFileOfACommit_KeepsItsList()
    {
        await using var bench = await HubBench.StartAsync();
        var repository = bench.AddModel(Name);
        repository.Files.Remove("README.md");
        repository.Files.Remove("pytorch_model.bin");
        await bench.PullAsync(Name);

        var tree = File.ReadAllText(Path.Combine(bench.RepositoryFolder(Name), "trees", repository.Commit + ".json"));
        using var json = System.Text.Json.JsonDocument.Parse(tree);
        Assert.Equal(1, json.RootElement.GetProperty("format_version").GetInt32());
        var weights = json.RootElement.GetProperty("files").GetProperty("model.safetensors");
        Assert.Equal(LocalRepository.Sha256(repository.Files["model.safetensors"].Bytes), weights.GetProperty("lfs_sha256").GetString());
        Assert.Equal(5500, weights.GetProperty("lfs_size").GetInt64());
    }

    [Fact]
    public async Task Pull_ASecondTime_FetchesNoFile()
    {
        await using var bench = await HubBench.StartAsync();
        bench.AddModel(Name);
        await bench.PullAsync(Name);
        bench.Hub.Requests.Clear();

        var model = await bench.PullAsync(Name);

        Assert.Equal(0, model.BytesFetched);
        Assert.DoesNotContain(bench.Hub.Requests, request => request.IsFile);
    }

    [Fact]
    public async Task Pull_Offline_FindsWhatIsThereWithoutARequest()
    {
        await using var bench = await HubBench.StartAsync();
        bench.AddModel(Name);
        var first = await bench.PullAsync(Name);
        bench.Hub.Requests.Clear();

        var model = await bench.PullAsync(Name, bench.Settings(offline: true));

        Assert.Equal(first.Folder, model.Folder);
        Assert.Empty(bench.Hub.Requests);
    }

    [Fact]
    public async Task Pull_OfflineOfAnUnknownModel_SaysWhatForbidsIt()
    {
        await using var bench = await HubBench.StartAsync();
        var failure = await Assert.ThrowsAsync<HubException>(() => bench.PullAsync(Name, bench.Settings(offline: true)));
        Assert.Equal(HubFailure.Offline, failure.Failure);
        Assert.Contains("HF_HUB_OFFLINE", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pull_WhenTheBranchMovesMeanwhile_StaysWithItsCommit()
    {
        await using var bench = await HubBench.StartAsync();
        var repository = bench.AddModel(Name);
        bench.Hub.Fault = request =>
        {
            if (request.Path.EndsWith("config.json", StringComparison.Ordinal))
                bench.Hub.Repositories[(Name, "main")] = new LocalRepository(new string('b', 40)).With("config.json", "{}");
            // The old commit is still there, as on the Hub.
            bench.Hub.Repositories[(Name, "before")] = repository;
            return null;
        };

        var model = await bench.PullAsync(Name);

        Assert.Equal(repository.Commit, model.Commit);
        Assert.Equal(repository.Files["config.json"].Bytes, File.ReadAllBytes(Path.Combine(model.Folder, "config.json")));
    }

    [Fact]
    public async Task Pull_OfARevision_NotesItUnderItsName()
    {
        await using var bench = await HubBench.StartAsync();
        bench.AddModel(Name);
        bench.AddModel(Name, 700, "refs/pr/7", 'c');

        var model = await bench.PullAsync(Name + "@refs/pr/7");

        Assert.Equal(new string('c', 40), model.Commit);
        Assert.Equal(model.Commit, File.ReadAllText(Path.Combine(bench.RepositoryFolder(Name), "refs", "refs", "pr", "7")));
    }

    [Fact]
    public async Task Pull_WithAToken_SendsItToTheHubAlone()
    {
        await using var bench = await HubBench.StartAsync();
        bench.AddModel(Name);
        bench.Hub.Token = "hf_secret";

        await bench.PullAsync(Name, bench.Settings("hf_secret"));

        Assert.All(bench.Hub.Requests.Where(request => request.Host == "127.0.0.1"),
            request => Assert.Equal("Bearer hf_secret", request.Authorization));
        var elsewhere = bench.Hub.Requests.Where(request => request.Host == "localhost").ToList();
        Assert.NotEmpty(elsewhere);
        Assert.All(elsewhere, request => Assert.Equal("", request.Authorization));
    }

    [Fact]
    public async Task Pull_OfShards_FetchesThoseOfTheIndex()
    {
        await using var bench = await HubBench.StartAsync();
        bench.Hub.Add(Name).With("config.json", "{}").With("tokenizer.json", "{}")
            .With("model.safetensors.index.json",
                """{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}""")
            .With("model-00001-of-00002.safetensors", new byte[3000], isLarge: true)
            .With("model-00002-of-00002.safetensors", new byte[10], isLarge: true)
            .With("consolidated.safetensors", new byte[4000], isLarge: true);

        var model = await bench.PullAsync(Name);

        Assert.True(File.Exists(Path.Combine(model.Folder, "model-00002-of-00002.safetensors")));
        Assert.False(File.Exists(Path.Combine(model.Folder, "consolidated.safetensors")));
        Assert.Null(model.Weights);
    }

    /// <summary>What lies beside the file comes with it, and what lies beside others does not; offline it is the same.</summary>
    [Fact]
    public async Task Pull_OfAGgufFileInAFolder_BringsWhatLiesBesideIt()
    {
        await using var bench = await HubBench.StartAsync();
        bench.Hub.Add(Name).With("config.json", "{}").With("tokenizer.json", "{}").With("Q4_0/model.gguf", new byte[3000], isLarge: true)
            .With("Q4_0/tokenizer_config.json", "{}").With("Q8_0/model.gguf", new byte[4000], isLarge: true).With("Q8_0/config.json", "{}");

        var model = await bench.PullAsync(Name + ":q4_0");

        Assert.Equal((Name + ":Q4_0", "Q4_0/model.gguf"), (model.Name, model.Weights));
        Assert.Equal(
            ["config.json", "tokenizer.json", "Q4_0/tokenizer_config.json", "Q4_0/model.gguf"], model.Files.Select(file => file.Path));
        Assert.All(model.Files, file => Assert.True(File.Exists(Path.Combine(model.Folder, file.Path))));
        Assert.False(Directory.Exists(Path.Combine(model.Folder, "Q8_0")));

        bench.Hub.Requests.Clear();
        var cached = await bench.PullAsync(Name + ":Q4_0", bench.Settings(offline: true));
        Assert.Equal(model.Files.Select(file => file.Path).Order(), cached.Files.Select(file => file.Path).Order());
        Assert.Equal(model.Name, cached.Name);
        Assert.Empty(bench.Hub.Requests);
    }

    [Fact]
    public async Task Pull_ThatTheCallerRefuses_FetchesNoWeights()
    {
        await using var bench = await HubBench.StartAsync();
        bench.AddModel(Name);
        using var http = ModelPull.CreateHttp(bench.Settings());
        var pull = new ModelPull(bench.Settings(), http, TimeProvider.System)
        {
            Inspect = folder => throw new InvalidDataException(File.ReadAllText(Path.Combine(folder, "config.json"))),
        };

        await Assert.ThrowsAsync<InvalidDataException>(() => pull.RunAsync(ModelReference.Parse(Name)));

        Assert.DoesNotContain(bench.Hub.Requests, request => request.Path.StartsWith("/store/", StringComparison.Ordinal));
    }
}
