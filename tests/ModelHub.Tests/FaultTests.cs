using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using Parley.ModelHub.Naming;
using Parley.ModelHub.Tests.Doubles;
using Parley.TestSupport.Hub;

namespace Parley.ModelHub.Tests;

/// <summary>A Hub that fails, breaks off, or does not tell the truth.</summary>
public sealed class FaultTests
{
    private const string Name = "org/small-model";

    public static TheoryData<long> Cuts => [0, 1, 499, 999, 1000];

    [Theory]
    [MemberData(nameof(Cuts))]
    public async Task Pull_WhenAConnectionBreaks_GoesOnFromThere(long after)
    {
        await using var bench = await HubBench.StartAsync();
        var repository = bench.AddModel(Name);
        var cuts = 0;
        bench.Hub.Fault = request => request.Path.StartsWith("/store/", StringComparison.Ordinal) && Interlocked.Increment(ref cuts) <= 3
            ? new HubFault { CutAfter = after }
            : null;

        var model = await bench.PullAsync(Name);

        AssertWhole(repository, model);
        // What had come is not asked for again: each byte crossed the wire once.
        Assert.Equal(repository.Files["model.safetensors"].Bytes.Length, model.BytesFetched - SmallBytes(repository));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1500)]
    [InlineData(5499)]
    public async Task Pull_AfterOneThatEndedMidway_FetchesTheRestAlone(int bytes)
    {
        await using var bench = await HubBench.StartAsync();
        var repository = bench.AddModel(Name);
        using var killed = new CancellationTokenSource();
        bench.Hub.Fault = request => request.Path.StartsWith("/store/", StringComparison.Ordinal)
            ? new HubFault { StallAfter = StallOf(request, bytes) }
            : null;
        var first = bench.PullAsync(Name, bench.Settings(), cancellationToken: killed.Token);
        await UntilAsync(() => Progress(bench) >= bytes);
        await killed.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        bench.Hub.Fault = _ => null;

        var model = await bench.PullAsync(Name);

        AssertWhole(repository, model);
        Assert.InRange(model.BytesFetched, 0, 5500 - bytes);
    }

    [Fact]
    public async Task Pull_OfDamagedBytes_FetchesThemOnceMore()
    {
        await using var bench = await HubBench.StartAsync();
        var repository = bench.AddModel(Name);
        var flips = 0;
        bench.Hub.Fault = request => request.Path.StartsWith("/store/", StringComparison.Ordinal) && Interlocked.Increment(ref flips) == 1
            ? new HubFault { Flip = true }
            : null;

        AssertWhole(repository, await bench.PullAsync(Name));
    }

    [Fact]
    public async Task Pull_OfBytesThatAreNeverRight_FailsAndKeepsNothingOfThem()
    {
        await using var bench = await HubBench.StartAsync();
        bench.AddModel(Name);
        bench.Hub.Fault = request => request.Path.StartsWith("/store/", StringComparison.Ordinal) ? new HubFault { Flip = true } : null;

        var failure = await Assert.ThrowsAsync<HubException>(() => bench.PullAsync(Name));

        Assert.Equal(HubFailure.Dishonest, failure.Failure);
        Assert.Contains("model.safetensors", failure.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(bench.RepositoryFolder(Name), "refs", "main")));
        bench.Hub.Fault = _ => null;
        await bench.PullAsync(Name);
    }

    [Fact]
    public async Task Pull_FromAServerWithoutRanges_BringsTheWhole()
    {
        await using var bench = await HubBench.StartAsync();
        var repository = bench.AddModel(Name);
        bench.Hub.Fault = request => request.IsFile ? new HubFault { IgnoreRange = true } : null;
        AssertWhole(repository, await bench.PullAsync(Name));
    }

    [Theory]
    [InlineData(0, 7)]
    [InlineData(0, -7)]
    [InlineData(3, 0)]
    public async Task Pull_OfAnotherLengthOrRangeThanListed_SaysSo(long shift, int grow)
    {
        await using var bench = await HubBench.StartAsync();
        bench.AddModel(Name);
        bench.Hub.Fault = request => request.Path.StartsWith("/store/", StringComparison.Ordinal)
            ? new HubFault { ShiftRange = shift, Grow = grow }
            : null;

        var failure = await Assert.ThrowsAsync<HubException>(() => bench.PullAsync(Name));

        Assert.Equal(HubFailure.Dishonest, failure.Failure);
        Assert.Contains("model.safetensors", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pull_WhenARangeIsRefusedOnce_AsksAgain()
    {
        await using var bench = await HubBench.StartAsync();
        var repository = bench.AddModel(Name);
        var refused = 0;
        bench.Hub.Fault = request => request.Path.StartsWith("/store/", StringComparison.Ordinal) && Interlocked.Increment(ref refused) == 1
            ? new HubFault { Status = 416 }
            : null;
        AssertWhole(repository, await bench.PullAsync(Name));
    }

    [Theory]
    [InlineData(503)]
    [InlineData(500)]
    [InlineData(429)]
    public async Task Pull_WhenTheServerFailsForNow_TriesAgain(int status)
    {
        await using var bench = await HubBench.StartAsync();
        var repository = bench.AddModel(Name);
        var failed = new ConcurrentDictionary<HubRequest, bool>();
        bench.Hub.Fault = request => failed.TryAdd(request, true) ? new HubFault { Status = status } : null;
        AssertWhole(repository, await bench.PullAsync(Name));
    }

    [Fact]
    public async Task Pull_WhenToldToComeBackLater_WaitsAsLongAndSaysSo()
    {
        await using var bench = await HubBench.StartAsync();
        var repository = bench.AddModel(Name);
        var time = new FakeTimeProvider();
        var asked = 0;
        bench.Hub.Fault = _ => Interlocked.Increment(ref asked) == 1
            ? new HubFault { Status = 429, Headers = { ["Retry-After"] = "40" } }
            : null;

        var pull = bench.PullAsync(Name, bench.Settings(silence: TimeSpan.FromHours(1)), time);
        await UntilAsync(() => Notes(bench).Any(note => note.Contains("40 s", StringComparison.Ordinal)));
        time.Advance(TimeSpan.FromSeconds(39));
        Assert.Equal(1, Volatile.Read(ref asked));
        time.Advance(TimeSpan.FromSeconds(1));

        AssertWhole(repository, await pull);
    }

    [Fact]
    public async Task Pull_WhenToldToComeBackTomorrow_EndsAndSaysWhen()
    {
        await using var bench = await HubBench.StartAsync();
        bench.AddModel(Name);
        bench.Hub.Fault = _ => new HubFault { Status = 429, Headers = { ["Retry-After"] = "86400" } };
        var failure = await Assert.ThrowsAsync<HubException>(() => bench.PullAsync(Name));
        Assert.Equal(HubFailure.RateLimited, failure.Failure);
        Assert.Contains("86400 s", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pull_FromAServerThatFallsSilent_TakesTheConnectionForBroken()
    {
        await using var bench = await HubBench.StartAsync();
        var repository = bench.AddModel(Name);
        var stalls = 0;
        bench.Hub.Fault = request => request.Path.StartsWith("/store/", StringComparison.Ordinal) && Interlocked.Increment(ref stalls) == 1
            ? new HubFault { StallAfter = 10 }
            : null;
        AssertWhole(repository, await bench.PullAsync(Name, bench.Settings(silence: TimeSpan.FromMilliseconds(300))));
    }

    [Theory]
    [InlineData(401, "RepoNotFound", null, HubFailure.RepositoryNotFound, "HF_TOKEN")]
    [InlineData(401, "", "hf_x", HubFailure.Unauthorized, "HF_TOKEN")]
    [InlineData(403, "GatedRepo", null, HubFailure.Gated, "accept its licence at http")]
    [InlineData(403, "GatedRepo", "hf_x", HubFailure.Gated, "may not read it")]
    [InlineData(404, "RepoNotFound", "hf_x", HubFailure.RepositoryNotFound, "check the name")]
    [InlineData(404, "RevisionNotFound", null, HubFailure.RevisionNotFound, "no such revision")]
    public async Task Pull_ThatIsRefused_SaysWhatToDo(int status, string code, string? token, HubFailure expected, string advice)
    {
        await using var bench = await HubBench.StartAsync();
        bench.AddModel(Name);
        bench.Hub.Fault = _ => new HubFault { Status = status, Headers = { ["X-Error-Code"] = code } };

        var failure = await Assert.ThrowsAsync<HubException>(() => bench.PullAsync(Name, bench.Settings(token)));

        Assert.Equal(expected, failure.Failure);
        Assert.Contains(advice, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hf_x", failure.ToString(), StringComparison.Ordinal);
        Assert.Single(bench.Hub.Requests);
    }

    [Fact]
    public async Task Pull_ThroughALoopOfRedirects_Ends()
    {
        await using var bench = await HubBench.StartAsync();
        bench.AddModel(Name);
        bench.Hub.Fault = request => request.IsFile
            ? new HubFault { Status = 302, Headers = { ["Location"] = request.Path } }
            : null;
        var failure = await Assert.ThrowsAsync<HubException>(() => bench.PullAsync(Name));
        Assert.Equal(HubFailure.Dishonest, failure.Failure);
        Assert.Contains("redirects more than", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("file:///etc/passwd")]
    [InlineData("ftp://127.0.0.1/x")]
    public async Task Pull_RedirectedToAnotherScheme_Refuses(string location)
    {
        await using var bench = await HubBench.StartAsync();
        bench.AddModel(Name);
        bench.Hub.Fault = request => request.IsFile ? new HubFault { Status = 302, Headers = { ["Location"] = location } } : null;
        Assert.Equal(HubFailure.Dishonest, (await Assert.ThrowsAsync<HubException>(() => bench.PullAsync(Name))).Failure);
    }

    [Theory]
    [InlineData("../outside")]
    [InlineData("a/../../outside")]
    [InlineData("/etc/outside")]
    [InlineData("a\\\\..\\\\outside")]
    [InlineData("C:outside")]
    [InlineData("a//b")]
    [InlineData("a/./b")]
    [InlineData("CONFIG.json")]
    public async Task Pull_OfAListThatNamesNoSafeFile_Refuses(string path)
    {
        await using var bench = await HubBench.StartAsync();
        bench.AddModel(Name).ListedBeside.Add(
            $$"""{"type":"file","path":"{{path}}","size":1,"oid":"{{new string('0', 40)}}"}""");
        var failure = await Assert.ThrowsAsync<HubException>(() => bench.PullAsync(Name));
        Assert.Equal(HubFailure.Dishonest, failure.Failure);
        Assert.DoesNotContain(bench.Hub.Requests, request => request.IsFile);
    }

    [Theory]
    [InlineData("../../outside.safetensors")]
    [InlineData("model.bin")]
    public async Task Pull_OfAnIndexThatLeadsOutOfTheFolder_Refuses(string shard)
    {
        await using var bench = await HubBench.StartAsync();
        bench.Hub.Add(Name).With("config.json", "{}").With("tokenizer.json", "{}")
            .With("model.safetensors.index.json", JsonSerializer.Serialize(new { weight_map = new { a = shard } }));
        Assert.Equal(HubFailure.Refused, (await Assert.ThrowsAsync<HubException>(() => bench.PullAsync(Name))).Failure);
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("{}")]
    [InlineData("""{"sha":"../../x"}""")]
    public async Task Pull_FromWhatIsNoHub_SaysSo(string body)
    {
        await using var bench = await HubBench.StartAsync();
        bench.Hub.Add(Name).With("config.json", "{}");
        bench.Hub.Body = request => request.Path.Contains("/revision/", StringComparison.Ordinal) ? body : null;
        var failure = await Assert.ThrowsAsync<HubException>(() => bench.PullAsync(Name));
        Assert.Equal(HubFailure.Dishonest, failure.Failure);
        Assert.Contains("HF_ENDPOINT", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pull_FindingADamagedBlob_HealsIt()
    {
        await using var bench = await HubBench.StartAsync();
        var repository = bench.AddModel(Name);
        var model = await bench.PullAsync(Name);
        var blob = new FileInfo(Path.Combine(model.Folder, "model.safetensors")).ResolveLinkTarget(true)!.FullName;
        // As a machine leaves it that lost power: the right length, and nothing in it.
        File.WriteAllBytes(blob, new byte[5500]);
        File.SetLastWriteTimeUtc(blob, new DateTime(2001, 1, 1, 0, 0, 0, DateTimeKind.Utc));

        AssertWhole(repository, await bench.PullAsync(Name));
    }

    [Fact]
    public async Task Pull_OfflineFindingADamagedFile_NamesIt()
    {
        await using var bench = await HubBench.StartAsync();
        bench.AddModel(Name);
        var model = await bench.PullAsync(Name);
        var blob = new FileInfo(Path.Combine(model.Folder, "model.safetensors")).ResolveLinkTarget(true)!.FullName;
        File.WriteAllBytes(blob, new byte[10]);
        var failure = await Assert.ThrowsAsync<HubException>(() => bench.PullAsync(Name, bench.Settings(offline: true)));
        Assert.Contains("model.safetensors", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pull_ByTwoAtOnce_FetchesEachByteOnce()
    {
        await using var bench = await HubBench.StartAsync();
        var repository = bench.AddModel(Name, 50_000);

        var models = await Task.WhenAll(bench.PullAsync(Name), bench.PullAsync(Name));

        Assert.All(models, model => AssertWhole(repository, model));
        var all = repository.Files.Values.Where(file => file.Bytes.Length != 3).Sum(file => file.Bytes.Length);
        Assert.Equal(all - "a model".Length, models.Sum(model => model.BytesFetched));
    }

    [Fact]
    public async Task Pull_WithoutRoom_FailsBeforeTheFirstByte()
    {
        await using var bench = await HubBench.StartAsync();
        bench.AddModel(Name);
        var settings = bench.Settings();
        using var http = ModelPull.CreateHttp(settings);
        var pull = new ModelPull(settings, http, TimeProvider.System) { FreeBytes = _ => 5000 };

        var failure = await Assert.ThrowsAsync<HubException>(() => pull.RunAsync(ModelReference.Parse(Name)));

        Assert.Equal(HubFailure.NoSpace, failure.Failure);
        Assert.Contains("HF_HUB_CACHE", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(bench.Hub.Requests, request => request.Path.StartsWith("/store/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Pull_OfNothingButPickles_SaysWhyNot()
    {
        await using var bench = await HubBench.StartAsync();
        bench.Hub.Add(Name).With("config.json", "{}").With("pytorch_model.bin", new byte[9], isLarge: true);
        var failure = await Assert.ThrowsAsync<HubException>(() => bench.PullAsync(Name));
        Assert.Contains("pickle", failure.Message, StringComparison.Ordinal);
    }

    private static void AssertWhole(LocalRepository repository, PulledModel model)
    {
        foreach (var file in model.Files)
            Assert.Equal(repository.Files[file.Path].Bytes, File.ReadAllBytes(Path.Combine(model.Folder, file.Path)));
        Assert.Empty(Directory.GetFiles(Path.Combine(model.Folder, "..", "..", "blobs"), "*.incomplete"));
    }

    private static int SmallBytes(LocalRepository repository) =>
        repository.Files["config.json"].Bytes.Length + repository.Files["tokenizer.json"].Bytes.Length;

    /// <summary>So many bytes come in all, the first part's first.</summary>
    private static long StallOf(HubRequest request, int bytes)
    {
        var first = long.Parse(request.Range["bytes=".Length..].Split('-')[0]);
        return Math.Clamp(bytes - first, 0, 1000);
    }

    private static long Progress(HubBench bench)
    {
        lock (bench.Progress)
        {
            return bench.Progress.Where(report => report is { Stage: "download", BytesTotal: 5500 }).Select(report => report.BytesDone)
                .LastOrDefault();
        }
    }

    private static List<string> Notes(HubBench bench)
    {
        lock (bench.Progress)
            return [.. bench.Progress.Select(report => report.Note).OfType<string>()];
    }

    private static async Task UntilAsync(Func<bool> holds)
    {
        while (!holds())
            await Task.Delay(5, TestContext.Current.CancellationToken);
    }
}
