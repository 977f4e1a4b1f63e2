using Parley.Cli.Hub;
using Parley.Cli.Tests.Doubles;
using Parley.Gateway.Ollama;

namespace Parley.Cli.Tests.Hub;

/// <summary>Models fetched for callers of <c>/api/pull</c>.</summary>
public sealed class HubModelPullTests
{
    [Fact]
    public async Task Pull_OfAModel_LeavesItInTheCacheAndTellsItsBytes()
    {
        await using var home = await HubHome.StartAsync();
        home.AddDemo("org/demo");
        var steps = new List<ModelPullProgress>();

        await new HubModelPull(name => home.Environment.GetValueOrDefault(name))
            .PullAsync("org/demo", new Kept(steps), CancellationToken.None);

        Assert.Contains(steps, step => step.Total > 0 && step.Completed == step.Total);
        Assert.NotEmpty(Directory.GetFiles(home.CacheFolder, "config.json", SearchOption.AllDirectories));
    }

    [Theory]
    [InlineData("no/such/name", "no/such/name")]
    [InlineData("org/missing", "org/missing")]
    public async Task Pull_OfNoModel_SaysSoToTheCaller(string name, string said)
    {
        await using var home = await HubHome.StartAsync();

        var pull = new HubModelPull(variable => home.Environment.GetValueOrDefault(variable));
        var fault = await Assert.ThrowsAsync<ModelPullException>(() => pull.PullAsync(name, new Kept([]), CancellationToken.None));

        Assert.Contains(said, fault.Message, StringComparison.Ordinal);
    }

    private sealed class Kept(List<ModelPullProgress> steps) : IProgress<ModelPullProgress>
    {
        public void Report(ModelPullProgress value)
        {
            lock (steps)
                steps.Add(value);
        }
    }
}
