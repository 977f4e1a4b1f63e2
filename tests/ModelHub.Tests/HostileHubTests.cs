using System.Net;
using System.Text;
using Parley.ModelHub.Naming;
using Parley.ModelHub.Tests.Doubles;
using Parley.TestSupport.Hub;

namespace Parley.ModelHub.Tests;

/// <summary>A server that says anything at all: it is understood or refused in words, and gets nothing that it should not have.</summary>
public sealed class HostileHubTests
{
    private const string Name = "org/small-model";
    private const int FuzzRuns = 1500;

    private static readonly string Commit = new('a', 40);

    /// <summary>Damaged answers of the routes that name commit and files; files themselves are never there.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Pull_FromAnswersWithAnyDamage_EndsInASentence(int seed)
    {
        await using var bench = await HubBench.StartAsync();
        var random = new Random(seed);
        var revision = Encoding.UTF8.GetBytes($$"""{"id":"{{Name}}","sha":"{{Commit}}","siblings":[{"rfilename":"config.json"}]}""");
        var tree = Encoding.UTF8.GetBytes(new LocalRepository(Commit).With("config.json", "{}")
            .With("additional_chat_templates/tools.jinja", "x").With("Q4_0/model.gguf", new byte[9], isLarge: true).Tree());
        for (var run = 0; run < FuzzRuns; run++)
        {
            var answers = new Answers
            {
                Revision = random.Next(4) == 0 ? Damage(revision, random) : revision,
                Tree = random.Next(8) == 0 ? tree : Damage(tree, random),
            };
            using var http = new HttpMessageInvoker(answers);
            var pull = new ModelPull(bench.Settings(), http, TimeProvider.System);
            await Assert.ThrowsAsync<HubException>(() => pull.RunAsync(ModelReference.Parse(Name)));
        }

        Assert.DoesNotContain(Directory.GetFiles(bench.CacheFolder, "*", SearchOption.AllDirectories),
            path => Path.GetFileName(path) != "CACHEDIR.TAG" && new FileInfo(path).Length > 64);
    }

    /// <summary>An answer's redirect and a list's next page may lead elsewhere: the token does not go there.</summary>
    [Fact]
    public async Task Pull_WhenARouteLeadsToAnotherHost_SendsNoTokenThere()
    {
        await using var bench = await HubBench.StartAsync();
        bench.AddModel(Name);
        bench.Hub.Fault = request => request.Host == "127.0.0.1" && request.Path.Contains("/revision/", StringComparison.Ordinal)
            ? new HubFault
            {
                Status = 307,
                Headers = { ["Location"] = $"http://localhost:{bench.Hub.Endpoint.Port}{request.Path}" },
            }
            : null;

        await bench.PullAsync(Name, bench.Settings("hf_secret"));

        var elsewhere = bench.Hub.Requests.Where(request => request.Host == "localhost").ToList();
        Assert.Contains(elsewhere, request => request.Path.Contains("/revision/", StringComparison.Ordinal));
        Assert.All(elsewhere, request => Assert.Equal("", request.Authorization));
    }

    [Theory]
    [InlineData("http://localhost:1/next")]
    [InlineData("https://127.0.0.1/next")]
    public async Task Pull_OfAListThatGoesOnAtAnotherHost_Refuses(string next)
    {
        await using var bench = await HubBench.StartAsync();
        bench.AddModel(Name);
        bench.Hub.Fault = request => request.Path.Contains("/tree/", StringComparison.Ordinal)
            ? new HubFault { Headers = { ["Link"] = $"<{next}>; rel=\"next\"" } } : null;

        var failure = await Assert.ThrowsAsync<HubException>(() => bench.PullAsync(Name));

        Assert.Equal(HubFailure.Dishonest, failure.Failure);
        Assert.Contains("another host", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>A list without an end is one that repeats itself.</summary>
    [Fact]
    public async Task Pull_OfAListWhosePagesRepeat_Refuses()
    {
        await using var bench = await HubBench.StartAsync();
        bench.AddModel(Name);
        bench.Hub.Fault = request => request.Path.Contains("/tree/", StringComparison.Ordinal)
            ? new HubFault { Headers = { ["Link"] = $"<{request.Path}{request.Query}>; rel=\"next\"" } } : null;

        var failure = await Assert.ThrowsAsync<HubException>(() => bench.PullAsync(Name));

        Assert.Equal(HubFailure.Dishonest, failure.Failure);
        Assert.Contains("twice", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>Descriptions come before anybody was asked: one of gigabytes is none.</summary>
    [Theory]
    [InlineData("tokenizer.json", 600L << 20, "tokenizer.json has 629145600 bytes")]
    [InlineData("model.safetensors", long.MaxValue, "no length")]
    public async Task Pull_OfAFileOfAbsurdLength_NamesItBeforeFetching(string path, long bytes, string named)
    {
        await using var bench = await HubBench.StartAsync();
        var repository = bench.AddModel(Name);
        repository.Files.Remove(path);
        repository.ListedBeside.Add($$"""{"type":"file","path":"{{path}}","size":{{bytes}},"oid":"{{new string('1', 40)}}"}""");

        var failure = await Assert.ThrowsAsync<HubException>(() => bench.PullAsync(Name));

        Assert.Contains(named, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(bench.Hub.Requests, request => request.IsFile);
    }

    /// <summary>A list that another tool left in the cache is no more trusted than the server's.</summary>
    [Theory]
    [InlineData("""{"format_version":1,"files":{"config.json":{"size":2,"blob_id":"X"},"config.json":{"size":2,"blob_id":"X"}}}""")]
    [InlineData("""{"format_version":1,"files":{"config.json":{"size":-2,"blob_id":"X"}}}""")]
    [InlineData("""{"format_version":1,"files":{"../config.json":{"size":2,"blob_id":"X"}}}""")]
    [InlineData("""{"format_version":1,"files":[]}""")]
    [InlineData("[[[[")]
    public async Task Pull_WithADamagedListInTheCache_AsksTheHub(string tree)
    {
        await using var bench = await HubBench.StartAsync();
        var repository = bench.AddModel(Name);
        var folder = Directory.CreateDirectory(Path.Combine(bench.RepositoryFolder(Name), "trees")).FullName;
        tree = tree.Replace("X", new string('1', 40), StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(folder, repository.Commit + ".json"), tree);

        await bench.PullAsync(Name);

        Assert.Contains(bench.Hub.Requests, request => request.Path.Contains("/tree/", StringComparison.Ordinal));
    }

    private static byte[] Damage(byte[] bytes, Random random)
    {
        var damaged = bytes.ToArray();
        for (var times = random.Next(1, 4); times > 0; times--)
        {
            var (at, length) = (random.Next(damaged.Length), random.Next(1, 24));
            switch (random.Next(4))
            {
                case 0:
                    damaged[at] = (byte)random.Next(256);
                    break;
                case 1:
                    damaged = damaged[..Math.Max(at, 1)];
                    break;
                case 2:
                    var part = damaged.AsSpan(at, Math.Min(length, damaged.Length - at)).ToArray();
                    damaged = [.. damaged[..at], .. part, .. part, .. damaged[at..]];
                    break;
                default:
                    damaged[at] = (byte)"{}[]\",:09.-/\\"[random.Next(13)];
                    break;
            }
        }

        return damaged;
    }

    /// <summary>The routes in memory; no file is there.</summary>
    private sealed class Answers : HttpMessageHandler
    {
        public required byte[] Revision { get; init; }

        public required byte[] Tree { get; init; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var path = request.RequestUri!.AbsolutePath;
            var body = path.Contains("/revision/", StringComparison.Ordinal) ? Revision
                : path.Contains("/tree/", StringComparison.Ordinal) ? Tree : null;
            return Task.FromResult(new HttpResponseMessage(body is null ? HttpStatusCode.NotFound : HttpStatusCode.OK)
            {
                Content = new ByteArrayContent(body ?? []),
                RequestMessage = request,
            });
        }
    }
}
