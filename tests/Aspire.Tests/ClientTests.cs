using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Parley.Client;

namespace Parley.Aspire.Tests;

/// <summary>The client that a program gets of a connection string.</summary>
public sealed class ClientTests
{
    [Theory]
    [InlineData("Endpoint=http://localhost:5081;Key=a=b;Model=small", "http://localhost:5081", "a=b", "small")]
    [InlineData(" model = org/small ; ENDPOINT = static:///a:1,b:2 ; Key= ;", "static:///a:1,b:2", null, "org/small")]
    [InlineData("dns:///parley:5081", "dns:///parley:5081", null, null)]
    public void ConnectionString_ThatIsOne_SetsTheClient(string text, string address, string? key, string? model)
    {
        var options = Options(Build(text));

        Assert.Equal((address, key, model), (options.Address, options.ApiKey, options.ModelId));
    }

    [Theory]
    [InlineData("Key=secret", "has no Endpoint=")]
    [InlineData("Endpoint=http://localhost:1;Password=secret", "has a part that is none of")]
    [InlineData("Endpoint=http://localhost:1;secret", "has a part that is none of")]
    [InlineData("Endpoint=http://localhost:1;Key=secret;key=secret", "has two parts key=")]
    public void ConnectionString_ThatIsNone_IsRefusedByNameWithoutItsKey(string text, string words)
    {
        var fault = Assert.Throws<InvalidOperationException>(() => Build(text));

        Assert.Contains("'chat'", fault.Message);
        Assert.Contains(words, fault.Message);
        Assert.DoesNotContain("secret", fault.Message);
    }

    [Fact]
    public void ConnectionString_ThatIsMissing_IsNamedWithTheWaysOut()
    {
        var fault = Assert.Throws<InvalidOperationException>(() => Build(null));

        Assert.Contains("no connection string 'chat'", fault.Message);
        Assert.Contains("WithReference", fault.Message);
        Assert.Contains("ConnectionStrings:chat", fault.Message);
    }

    [Fact]
    public void Sections_OfTheClient_SetWhatTheConnectionDoesNot()
    {
        using var host = Build(
            "Endpoint=http://localhost:1;Key=of-the-connection", configureClient: client => client.MessageBytesMax = 4096,
            settings:
            [
                new("Aspire:Parley:Client:Timeout", "00:01:00"), new("Aspire:Parley:Client:Retry:AttemptsMax", "5"),
                new("Aspire:Parley:Client:chat:Retry:AttemptsMax", "7"), new("Aspire:Parley:Client:chat:ApiKey", "of-the-section"),
            ]);

        var options = Options(host);

        Assert.Equal((TimeSpan.FromMinutes(1), 7, 4096), (options.Timeout, options.Retry.AttemptsMax, options.MessageBytesMax));
        Assert.Equal("of-the-connection", options.ApiKey);
    }

    [Fact]
    public void ChatClient_OfTheContainer_TellsOfChats()
    {
        using var host = Build("Endpoint=http://localhost:1");

        var client = host.Services.GetRequiredService<IChatClient>();

        Assert.NotNull(client.GetService<OpenTelemetryChatClient>());
        Assert.Same(host.Services.GetRequiredService<ParleyChatClient>(), client.GetService<ParleyChatClient>());
    }

    [Fact]
    public void Telling_ThatIsDisabled_IsLeftOut()
    {
        using var host = Build("Endpoint=http://localhost:1",
            settings => (settings.DisableTracing, settings.DisableMetrics, settings.DisableHealthChecks) = (true, true, true));

        Assert.Null(host.Services.GetRequiredService<IChatClient>().GetService<OpenTelemetryChatClient>());
        Assert.Null(host.Services.GetService<HealthCheckService>());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Contents_OnSpans_AreAsTheSettingSays(bool isTold)
    {
        using var host = Build("Endpoint=http://localhost:1", settings => settings.EnableSensitiveTelemetryData = isTold);

        Assert.Equal(isTold, host.Services.GetRequiredService<IChatClient>().GetService<OpenTelemetryChatClient>()!.EnableSensitiveData);
    }

    [Fact]
    public void Clients_UnderKeys_HaveAServerEach()
    {
        var builder = Builder(
            new("ConnectionStrings:first", "Endpoint=http://localhost:1"), new("ConnectionStrings:second", "http://localhost:2"));
        builder.AddKeyedParleyChatClient("first");
        builder.AddKeyedParleyChatClient("second");
        using var host = builder.Build();

        var addresses = new[] { "first", "second" }.Select(name =>
            host.Services.GetRequiredKeyedService<IChatClient>(name).GetService<ChatClientMetadata>()!.ProviderUri!.Port);

        Assert.Equal([1, 2], addresses);
        Assert.Null(host.Services.GetService<IChatClient>());
    }

    [Fact]
    public async Task Health_OfAServerThatIsNotThere_IsUnhealthyUnderTheConnectionsName()
    {
        // Nobody may listen on port 1 here; what does not speak gRPC is no server either.
        using var host = Build("Endpoint=http://127.0.0.1:1");

        var report = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync();

        var entry = Assert.Single(report.Entries);
        Assert.Equal(("Parley_chat", HealthStatus.Unhealthy), (entry.Key, entry.Value.Status));
        Assert.Contains("does not answer", entry.Value.Description);
    }

    private static HostApplicationBuilder Builder(params IEnumerable<KeyValuePair<string, string?>> settings)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection(settings);
        return builder;
    }

    private static IHost Build(
        string? connection, Action<ParleyAspireSettings>? configure = null, Action<ParleyClientOptions>? configureClient = null,
        params KeyValuePair<string, string?>[] settings)
    {
        var builder = Builder([new("ConnectionStrings:chat", connection), .. settings]);
        builder.AddParleyChatClient("chat", configure, configureClient);
        return builder.Build();
    }

    private static ParleyClientOptions Options(IHost host) => host.Services.GetRequiredService<IOptions<ParleyClientOptions>>().Value;
}
