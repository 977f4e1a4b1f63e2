using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Parley.Client.Tests.Doubles;
using Parley.Gateway.V1;

namespace Parley.Client.Tests;

/// <summary>Addresses, keys, settings, registration, services and disposal.</summary>
public sealed class ConnectionTests
{
    [Fact]
    public async Task Key_OfTheSettings_GoesIntoTheHeader()
    {
        await using var server = await ScriptedServer.StartAsync();

        await server.Client(options => options.ApiKey = "k-1").GetResponseAsync("hello");
        await server.Client().GetResponseAsync("hello");

        Assert.Equal(["Bearer k-1", null], server.Gateway.Headers.Select(headers => headers.GetValue("authorization")));
        Assert.Equal(server.Gateway.Requests.Select(request => request.RequestId),
            server.Gateway.Headers.Select(headers => headers.GetValue("x-request-id")));
    }

    [Fact]
    public async Task Timeout_OfTheSettings_IsTheCallsDeadline()
    {
        await using var server = await ScriptedServer.StartAsync();
        var before = TimeProvider.System.GetUtcNow().UtcDateTime;

        await server.Client(options => options.Timeout = TimeSpan.FromHours(5)).GetResponseAsync("hello");
        await server.Client(options => options.Timeout = Timeout.InfiniteTimeSpan).GetResponseAsync("hello");

        var deadlines = server.Gateway.Deadlines.ToArray();
        Assert.InRange(deadlines[0], before + TimeSpan.FromHours(4), before + TimeSpan.FromHours(6));
        Assert.Equal(DateTime.MaxValue, deadlines[1]);
    }

    [Fact]
    public async Task Deadline_OfAServerThatHangs_IsATimeout()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Gateway.BeforeEvent = (_, cancellationToken) => Task.Delay(Timeout.Infinite, cancellationToken);

        await Assert.ThrowsAsync<ParleyTimeoutException>(() => server.Client().GetResponseAsync(
            "hello", new ChatOptions { AdditionalProperties = new() { [ParleyProperties.Timeout] = 0.2 } }));
    }

    [Fact]
    public async Task Requests_ToSeveralAddresses_GoToEachInTurn()
    {
        // gRPC's own sockets are what takes turns, so here are two.
        await using var first = await SocketServer.StartAsync(listen => listen.Protocols = HttpProtocols.Http2);
        await using var second = await SocketServer.StartAsync(listen => listen.Protocols = HttpProtocols.Http2);
        using var client = new ParleyChatClient($"static:///{first.Place},{second.Place}");
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));

        // Each is in the round once it is connected to; from then on they take turns.
        while (first.Gateway.Calls == 0 || second.Gateway.Calls == 0)
            await client.GetResponseAsync("hello", cancellationToken: limit.Token);
        var (before, other) = (first.Gateway.Calls, second.Gateway.Calls);
        for (var i = 0; i < 10; i++)
            await client.GetResponseAsync("hello", cancellationToken: limit.Token);

        Assert.Equal((5, 5), (first.Gateway.Calls - before, second.Gateway.Calls - other));
    }

    [Fact]
    public async Task Requests_ToAName_FindItsAddress()
    {
        await using var server = await SocketServer.StartAsync(listen => listen.Protocols = HttpProtocols.Http2);
        using var client = new ParleyChatClient($"dns:///localhost:{server.Port}");

        Assert.Equal("Hello, world!", (await client.GetResponseAsync("hello")).Text);
    }

    [Fact]
    public async Task Certificate_OfAnAuthorityOfOnesOwn_IsTrustedWhereItIsNamed()
    {
        using var authority = new TestAuthority();
        await using var server = await SocketServer.StartAsync(listen => listen.UseHttps(authority.ServerCertificate));
        using var trusting = new ParleyChatClient(new ParleyClientOptions
        {
            Address = $"https://localhost:{server.Port}",
            CertificateAuthorityFile = authority.File,
        });
        using var balancing = new ParleyChatClient(new ParleyClientOptions
        {
            Address = $"dns:///localhost:{server.Port}",
            Tls = true,
            CertificateAuthorityFile = authority.File,
        });
        using var doubting = new ParleyChatClient(new ParleyClientOptions
        {
            Address = $"https://localhost:{server.Port}",
            Retry = { AttemptsMax = 1 },
        });

        Assert.Equal("Hello, world!", (await trusting.GetResponseAsync("hello")).Text);
        Assert.Equal("Hello, world!", (await balancing.GetResponseAsync("hello")).Text);
        await Assert.ThrowsAsync<ParleyUnavailableException>(() => doubting.GetResponseAsync("hello"));
    }

    [Fact]
    public void Authorities_OfAFileThatHoldsNone_AreAFault()
    {
        var file = Path.GetTempFileName();
        try
        {
            var options = new ParleyClientOptions { Address = "https://a", CertificateAuthorityFile = file };
            Assert.Contains(file, Assert.Throws<InvalidDataException>(() => new ParleyChatClient(options)).Message);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory]
    [InlineData("http://a:1", true)]
    [InlineData("https://a", true)]
    [InlineData("dns:///a:1", true)]
    [InlineData("static:///a:1,b:2", true)]
    [InlineData("", false)]
    [InlineData("a:5081", false)]
    [InlineData("ftp://a", false)]
    [InlineData("http://a/v1", false)]
    [InlineData("dns:///", false)]
    [InlineData("static:///a", false)]
    [InlineData("static:///", false)]
    public void Address_ThatCannotBe_IsRefusedWithAnExample(string address, bool isGood)
    {
        var exception = Record.Exception(() => new ParleyChatClient(address).Dispose());
        if (isGood)
            Assert.Null(exception);
        else
            Assert.Contains("Address: ", Assert.IsType<OptionsValidationException>(exception).Message);
    }

    [Fact]
    public void Settings_ThatCannotBe_AreToldAllAtOnceWithoutTheKey()
    {
        var exception = Assert.Throws<OptionsValidationException>(() => new ParleyChatClient(new ParleyClientOptions
        {
            Address = "http://a",
            Tls = true,
            ApiKey = "se cret",
            Timeout = TimeSpan.Zero,
            MessageBytesMax = 1,
            UnknownProperties = (UnknownProperties)7,
            CertificateAuthorityFile = "/no/such/file.pem",
            CreateHandler = () => throw new InvalidOperationException("not reached"),
            Retry = { AttemptsMax = 0, InitialDelay = TimeSpan.FromHours(2), DelayMax = -TimeSpan.FromTicks(1) },
        }));

        Assert.Equal(
            ["Tls", "ApiKey", "CertificateAuthorityFile", "CreateHandler", "Timeout", "MessageBytesMax", "UnknownProperties",
                "Retry.AttemptsMax", "Retry.InitialDelay", "Retry.DelayMax"],
            exception.Failures.Select(failure => failure[..failure.IndexOf(':')]));
        Assert.DoesNotContain("cret", exception.Message);
    }

    [Fact]
    public async Task Registration_OfAClient_IsTheContainersChatClient()
    {
        await using var server = await ScriptedServer.StartAsync();
        var services = new ServiceCollection();
        services.AddParleyChatClient(options => (options.Address, options.CreateHandler) = ("http://scripted", server.Handler));
        services.AddKeyedParleyChatClient("other", options => (options.Address, options.ModelId) = ("http://other", "m"));
        await using var provider = services.BuildServiceProvider();

        var client = provider.GetRequiredService<IChatClient>();

        Assert.Equal("Hello, world!", (await client.GetResponseAsync("hello")).Text);
        Assert.Same(client, provider.GetRequiredService<ParleyChatClient>());
        var other = provider.GetRequiredKeyedService<IChatClient>("other");
        Assert.NotSame(client, other);
        Assert.Equal(("m", "http://other/"), (other.GetService<ChatClientMetadata>()!.DefaultModelId,
            other.GetService<ChatClientMetadata>()!.ProviderUri!.AbsoluteUri));
        await provider.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.GetResponseAsync("hello"));
    }

    [Fact]
    public void Registration_OfConfiguration_BindsAndChecks()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Chat:Address"] = "dns:///parley:5081",
            ["Chat:ModelId"] = "m",
            ["Chat:Retry:AttemptsMax"] = "5",
            ["Chat:Timeout"] = "00:00:30",
            ["Chat:UnknownProperties"] = "Refuse",
            ["Bad:Retry:AttemptsMax"] = "500",
        }).Build();

        using var good = new ServiceCollection().AddParleyChatClient(configuration.GetSection("Chat")).BuildServiceProvider();
        var options = good.GetRequiredService<IOptions<ParleyClientOptions>>().Value;
        Assert.Equal(("dns:///parley:5081", "m", 5, TimeSpan.FromSeconds(30), UnknownProperties.Refuse),
            (options.Address, options.ModelId, options.Retry.AttemptsMax, options.Timeout, options.UnknownProperties));
        Assert.NotNull(good.GetRequiredService<IChatClient>());

        using var bad = new ServiceCollection().AddParleyChatClient(configuration.GetSection("Bad")).BuildServiceProvider();
        Assert.Contains("Retry.AttemptsMax", Assert.Throws<OptionsValidationException>(bad.GetRequiredService<IChatClient>).Message);
    }

    [Fact]
    public void Service_OfAClient_IsWhatItIsMadeOf()
    {
        using var client = new ParleyChatClient("http://parley:5081");

        Assert.Same(client, client.GetService<ParleyChatClient>());
        Assert.Same(client, client.GetService<IChatClient>());
        Assert.Equal("parley", client.GetService<ChatClientMetadata>()!.ProviderName);
        Assert.NotNull(client.GetService<GrpcChannel>());
        Assert.NotNull(client.GetService<ChatCompletion.ChatCompletionClient>());
        Assert.Null(client.GetService<string>());
        Assert.Null(client.GetService(typeof(ParleyChatClient), "key"));
        Assert.Throws<ArgumentNullException>(() => client.GetService(null!));
    }

    [Fact]
    public async Task Dispose_OfAClient_EndsItsChatsAndLeavesTheCallersChannel()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Gateway.BeforeEvent = (number, cancellationToken) =>
            number == 3 ? Task.Delay(Timeout.Infinite, cancellationToken) : Task.CompletedTask;
        var client = server.Client();
        var borrowing = new ParleyChatClient(server.Invoker());

        await Assert.ThrowsAsync<ObjectDisposedException>(async () =>
        {
            await foreach (var update in client.GetStreamingResponseAsync("hello"))
                client.Dispose();
        });
        Assert.Throws<ObjectDisposedException>(() => { _ = client.GetStreamingResponseAsync("hello"); });

        server.Gateway.BeforeEvent = (_, _) => Task.CompletedTask;
        Assert.Equal("Hello, world!", (await borrowing.GetResponseAsync("hello")).Text);
        Assert.Null(borrowing.GetService<GrpcChannel>());
        borrowing.Dispose();
    }

    [Fact]
    public async Task Messages_ThatAreNone_AreAnArgumentsFault()
    {
        using var client = new ParleyChatClient("http://nowhere");
        await Assert.ThrowsAsync<ArgumentNullException>(() => client.GetResponseAsync((IEnumerable<ChatMessage>)null!));
        Assert.Throws<ArgumentNullException>(() => { _ = client.GetStreamingResponseAsync((IEnumerable<ChatMessage>)null!); });
        Assert.Throws<ArgumentNullException>(() => new ParleyChatClient((ParleyClientOptions)null!));
        Assert.Throws<ArgumentNullException>(() => new ParleyChatClient((CallInvoker)null!));
    }
}
