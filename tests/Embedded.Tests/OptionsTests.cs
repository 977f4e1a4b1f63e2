using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;
using Parley.Client;
using Parley.TestSupport;

namespace Parley.Embedded.Tests;

/// <summary>Settings that cannot be are said at once, before anything is fetched.</summary>
public sealed class OptionsTests
{
    [Fact]
    public void Options_ThatCannotBe_AreAllNamed()
    {
        var options = new ParleyEmbeddedOptions
        {
            Precision = "int5",
            ContextTokens = -1,
            Threads = 5000,
            CacheFolder = " ",
            Timeout = TimeSpan.Zero,
            UnknownProperties = (UnknownProperties)7,
        };
        options.Settings["Generators:Threads"] = "1";

        var faults = Assert.Throws<OptionsValidationException>(() => new ParleyChatClient(options)).Failures.ToList();

        string[] begins =
        [
            "Model: ", "Precision: ", "ContextTokens: ", "Threads: ", "CacheFolder: ", "Timeout: ", "UnknownProperties: ",
            "Settings: Generators:Threads ",
        ];
        Assert.Equal(begins.Length, faults.Count);
        Assert.All(begins.Zip(faults), pair => Assert.StartsWith(pair.First, pair.Second));
    }

    [Theory]
    [InlineData("Gateway:ApiKey", false)]
    [InlineData("gateway:keys:me:Hash", false)]
    [InlineData("Generator:PackageDirectory", false)]
    [InlineData("Telemetry:MetricsPort", false)]
    [InlineData("Kestrel:Endpoints:Http:Url", false)]
    [InlineData("urls", false)]
    [InlineData("Gateway:ChoicesMax", true)]
    [InlineData("generator:StepTokensMax", true)]
    [InlineData("Parley:ShutdownSeconds", true)]
    public void Settings_OfTheServices_AreThoseThatHaveSense(string key, bool isGood)
    {
        var options = new ParleyEmbeddedOptions { Model = "org/model" };
        options.Settings[key] = "1";

        var result = new ParleyEmbeddedOptionsRules().Validate(null, options);

        Assert.Equal(isGood, result.Succeeded);
        Assert.True(isGood || result.FailureMessage!.Contains(key, StringComparison.Ordinal));
    }

    [Fact]
    public void Readme_OfThePackage_ListsEverySetting()
    {
        var readme = File.ReadAllLines(Path.Combine(Shared.RepositoryRoot, "clients", "Parley.Embedded", "README.md"));
        var listed = readme.SkipWhile(line => !line.StartsWith("| `ParleyEmbeddedOptions`", StringComparison.Ordinal)).Skip(2)
            .TakeWhile(line => line.StartsWith('|')).Select(line => line.Split('`')[1]);

        Assert.Equal(typeof(ParleyEmbeddedOptions).GetProperties().Select(property => property.Name).Order(), listed.Order());
    }

    [Fact]
    public async Task Request_ThatCannotBe_IsRefusedBeforeTheModelIsLookedFor()
    {
        await using var client = new ParleyChatClient("/nowhere/at/all");

        var refused = await Assert.ThrowsAsync<ParleyRequestException>(() =>
            client.GetResponseAsync("hello", new() { ConversationId = "kept" }));
        Assert.Throws<ParleyRequestException>(() => client.GetStreamingResponseAsync("hello", new() { ConversationId = "kept" }));

        Assert.Equal("ChatOptions.ConversationId", Assert.Single(refused.Violations).Field);
    }
}
