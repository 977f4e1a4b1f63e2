using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Parley.TestSupport;

namespace Parley.Embedded.Tests;

/// <summary>From the first use of a client to its end.</summary>
[Collection(DemoCollection.Name)]
public sealed class LifeTests(DemoModel demo)
{
    [Fact]
    public async Task Cancel_InTheMidst_EndsTheStreamAndFreesItsPlace()
    {
        await using var client = DemoModel.Create(demo.Package, options => options.Settings["Generator:RunningSequencesMax"] = "1");
        using var cancel = new CancellationTokenSource();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var update in client.GetStreamingResponseAsync(DemoModel.Question, DemoModel.Endless, cancel.Token))
            {
                if (update.Text.Length > 0)
                    await cancel.CancelAsync();
            }
        });

        // The only place is free again.
        var expected = await demo.Remote.GetResponseAsync(DemoModel.Question, DemoModel.Greedy);
        Assert.Equal(expected.Text, (await client.GetResponseAsync(DemoModel.Question, DemoModel.Greedy)).Text);
    }

    [Fact]
    public async Task DisposeAsync_InTheMidst_FinishesWhatRunsAndTakesNothingMore()
    {
        var expected = await demo.Remote.GetResponseAsync(DemoModel.Question, DemoModel.Endless);
        var client = DemoModel.Create(demo.Package);
        await using var stream = client.GetStreamingResponseAsync(DemoModel.Question, DemoModel.Endless).GetAsyncEnumerator();
        var text = await ReadOneAsync(stream);

        var disposal = client.DisposeAsync().AsTask();
        while (await stream.MoveNextAsync())
            text += stream.Current.Text;
        await disposal;

        Assert.Equal(expected.Text, text);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.GetResponseAsync(DemoModel.Question));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.StartAsync());
        await client.DisposeAsync();
    }

    [Fact]
    public async Task Dispose_InTheMidst_BreaksOffWhatRuns()
    {
        var client = DemoModel.Create(demo.Package);
        await using var stream = client.GetStreamingResponseAsync(DemoModel.Question, DemoModel.Endless).GetAsyncEnumerator();
        await ReadOneAsync(stream);

        client.Dispose();

        await Assert.ThrowsAsync<ObjectDisposedException>(async () =>
        {
            while (await stream.MoveNextAsync())
            {
            }
        });
        client.Dispose();
    }

    [Fact]
    public async Task Disposal_OfOneThatWasNeverUsed_StartsNothing()
    {
        var client = DemoModel.Create("/nowhere/at/all");
        await client.DisposeAsync();
        using var other = DemoModel.Create("/nowhere/at/all");
        Assert.Same(other, other.GetService(typeof(ParleyChatClient)));
        Assert.Equal("/nowhere/at/all", ((ChatClientMetadata)other.GetService(typeof(ChatClientMetadata))!).DefaultModelId);
        Assert.Null(other.GetService(typeof(ParleyChatClient), "key"));
    }

    [Fact]
    public async Task Model_ThatIsNotThere_IsSaidAndTriedAgain()
    {
        var path = Path.Combine(demo.Folder, "later");
        await using var client = DemoModel.Create(path);

        var fault = await Assert.ThrowsAsync<ParleyStartException>(() => client.GetResponseAsync(DemoModel.Question));
        Directory.CreateDirectory(path);
        foreach (var file in Directory.GetFiles(demo.Package))
            File.Copy(file, Path.Combine(path, Path.GetFileName(file)));
        var answer = await client.GetResponseAsync(DemoModel.Question, DemoModel.Greedy);

        Assert.Equal($"{path} does not exist.", fault.Message);
        Assert.Equal((await demo.Remote.GetResponseAsync(DemoModel.Question, DemoModel.Greedy)).Text, answer.Text);
    }

    /// <summary>A package whose graph is none is found while it loads, on the engine's own thread.</summary>
    [Fact]
    public async Task Model_ThatDoesNotLoad_IsSaidWithItsCauseAndTheProgramGoesOn()
    {
        var path = Directory.CreateDirectory(Path.Combine(demo.Folder, "broken")).FullName;
        foreach (var file in Directory.GetFiles(demo.Package))
            File.Copy(file, Path.Combine(path, Path.GetFileName(file)));
        var graph = File.ReadAllBytes(Path.Combine(path, "model.onnx"));
        graph.AsSpan(graph.Length / 2).Fill(0xff);
        File.WriteAllBytes(Path.Combine(path, "model.onnx"), graph);
        await using var client = DemoModel.Create(path);

        var fault = await Assert.ThrowsAsync<ParleyStartException>(() => client.StartAsync());

        Assert.Contains("The model could not be loaded: ", fault.Message);
        Assert.Equal(0, Environment.ExitCode);
    }

    [Fact]
    public async Task Models_TwoAtOnce_AnswerAsEachDoesAlone()
    {
        var cache = Path.Combine(demo.Folder, "cache");
        void Small(ParleyEmbeddedOptions options) => (options.Precision, options.CacheFolder) = ("int8", cache);
        string alone;
        await using (var single = DemoModel.Create(Shared.DemoModel, Small))
            alone = (await single.GetResponseAsync(DemoModel.Question, DemoModel.Drawn)).Text;
        await using var other = DemoModel.Create(Shared.DemoModel, Small);

        var answers = await Task.WhenAll(
            demo.Embedded.GetResponseAsync(DemoModel.Question, DemoModel.Drawn),
            other.GetResponseAsync(DemoModel.Question, DemoModel.Drawn));

        Assert.Equal((await demo.Remote.GetResponseAsync(DemoModel.Question, DemoModel.Drawn)).Text, answers[0].Text);
        Assert.Equal(alone, answers[1].Text);
        Assert.Single(Directory.GetDirectories(Path.Combine(cache, "packages")));
    }

    [Fact]
    public async Task Sockets_OfAClient_AreNone()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Whose a socket is, is read from /proc.");
        var before = OwnSockets.Listening();
        await using var client = DemoModel.Create(demo.Package);
        await client.StartAsync();
        await client.GetResponseAsync(DemoModel.Question, DemoModel.Greedy);

        // The fixture's server shows that the test can see one.
        Assert.NotEmpty(before);
        Assert.Equal(before, OwnSockets.Listening());
    }

    [Fact]
    public async Task Container_WithAClient_GivesItAndEndsIt()
    {
        var settings = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Chat:Model"] = demo.Package,
            ["Chat:Threads"] = "1",
            ["Chat:Settings:Generator:RunningSequencesMax"] = "2",
        }).Build();
        ParleyChatClient client;
        await using (var provider = new ServiceCollection().AddEmbeddedParley(settings.GetSection("Chat"))
            .AddKeyedEmbeddedParley("other", options => options.Model = "/nowhere/at/all").BuildServiceProvider())
        {
            client = provider.GetRequiredService<ParleyChatClient>();
            Assert.Same(client, provider.GetRequiredService<IChatClient>());
            Assert.NotSame(client, provider.GetRequiredKeyedService<IChatClient>("other"));
            Assert.NotEmpty((await client.GetResponseAsync(DemoModel.Question, DemoModel.Greedy)).Text);
        }

        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.StartAsync());
    }

    private static async Task<string> ReadOneAsync(IAsyncEnumerator<ChatResponseUpdate> stream)
    {
        while (await stream.MoveNextAsync())
        {
            if (stream.Current.Text.Length > 0)
                return stream.Current.Text;
        }

        throw new InvalidOperationException("The answer ended without a word.");
    }
}
