using System.Net;
using System.Text.Json;
using Grpc.Health.V1;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Parley.Gateway.Access;
using Parley.Gateway.Tests.Doubles;
using Parley.TestSupport;

namespace Parley.Gateway.Tests.Access;

/// <summary>The file of keys: what it may hold, and how it changes while the Gateway runs.</summary>
public sealed class KeyFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("parley-keys-").FullName;
    private readonly FakeTimeProvider _time = new();

    private string Path => System.IO.Path.Combine(_folder, "keys");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private Task<GatewayHost> StartAsync(params (string Key, string Value)[] settings)
    {
        var all = new Dictionary<string, string?> { ["ApiKeyFile"] = Path, ["ApiKeyFileSeconds"] = "5" };
        foreach (var (key, value) in settings)
            all[key] = value;
        return GatewayHost.StartAsync(all, _time);
    }

    /// <summary>The clock that looks at the file is that of calls to the services, too: one that its jump ended is asked again.</summary>
    private static async Task<HttpStatusCode> AskAsync(GatewayHost host, string key)
    {
        for (var attempts = 1; ; attempts++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
            request.Headers.Add("x-api-key", key);
            using var response = await host.Http().SendAsync(request);
            if (response.StatusCode != HttpStatusCode.ServiceUnavailable || attempts == 20)
                return response.StatusCode;
        }
    }

    private static (KeyRing Ring, List<string> Faults) Read(string path)
    {
        var faults = new List<string>();
        return (KeyRingReader.Read(new GatewayOptions { ApiKeyFile = path }, faults), faults);
    }

    [Theory]
    [InlineData("plain-key\n", "unnamed", 0)]
    [InlineData("# comment\r\n\r\n  alice plain-key  \r\n", "alice", 0)]
    [InlineData("alice HASH", "alice", 0)]
    [InlineData("\uFEFFHASH", "unnamed", 0)]
    [InlineData("""{ "Keys": { "alice": { "Hash": "HASH" } } }""", "alice", 0)]
    [InlineData("""
        { // as in the settings
          "keys": { "alice": { "hash": "HASH", "limits": "team" } }, "limits": { "team": { "requestsPerMinute": 5 } } }
        """, "alice", 5)]
    [InlineData("""{ "Keys": { "alice": { "Hash": "HASH" } }, "Limits": { "default": { "RequestsPerMinute": 7 } } }""", "alice", 7)]
    public void Read_EachForm_HasTheKey(string text, string name, int perMinute)
    {
        File.WriteAllText(Path, text.Replace("HASH", KeyHash.Of("plain-key"), StringComparison.Ordinal));

        var (ring, faults) = Read(Path);

        Assert.Empty(faults);
        var found = ring.Find("plain-key");
        Assert.Equal((name, perMinute), (found?.Key.Name, found?.Limits.RequestsPerMinute ?? -1));
        Assert.Null(ring.Find("plain-kez"));
        Assert.Null(ring.Find(KeyHash.Of("plain-key")));
    }

    [Theory]
    [InlineData("alice sha256:abcd", "line 1", "is no hash")]
    [InlineData("ok-key\nsecret-1 two three four", "line 2", "more than three words")]
    [InlineData("secret/1 alice", "line 1", "the first word is no name")]
    [InlineData("alice secret-1 team", "'team'", "no Gateway:Limits:team")]
    [InlineData("alice secret-1\nbob secret-1", "'alice' and 'bob'", "have the same key")]
    [InlineData("""{ "Keys": { "alice": { "Hash": "secret-1" } } }""", "Keys:alice:Hash", "is no hash")]
    [InlineData("""{ "Keys": { "alice": { } } }""", "Keys:alice", "settings lie below it")]
    [InlineData("""{ "Keys": { "alice": { "Limits": "x" } } }""", "Keys:alice:Hash is not set", "parley key new alice")]
    [InlineData("""{ "Keys": { "alice": { "Key": "secret-1" } } }""", "Keys:alice:Key is no setting", "Keys:alice:Hash")]
    [InlineData("""{ "Keys": { "alice": "secret-1" } }""", "Keys:alice is one value", "Keys:alice:Hash")]
    [InlineData("""{ "Limits": { "team": { "RequestsPerMinute": "12x" } } }""", "Limits:team:RequestsPerMinute is '12x'", "from 0")]
    [InlineData("""{ "Limits": { "team": { "Priority": 101 } } }""", "Limits:team:Priority is 101", "it goes from -100 to 100")]
    [InlineData("""{ "Keys": """, "ApiKeyFile", "")]
    [InlineData("{}", "holds no key", "")]
    public void Read_AFault_NamesPlaceAndRuleAndShowsNoKey(string text, string place, string rule)
    {
        File.WriteAllText(Path, text);

        var fault = string.Join("\n", Read(Path).Faults);

        Assert.Contains(place, fault, StringComparison.Ordinal);
        Assert.Contains(rule, fault, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Find_AmongManyKeys_IsTheOneWhoseHashIsWhole()
    {
        File.WriteAllLines(Path, Enumerable.Range(0, 300).Select(i => $"k{i} {KeyHash.Of($"key-{i}")}"));
        // One that differs from the hash of key-7 in its last bit, and one in its first.
        var near = KeyHash.BytesOf("key-7");
        near[^1] ^= 1;
        var far = KeyHash.BytesOf("key-7");
        far[0] ^= 0x80;
        File.AppendAllLines(Path, [$"near sha256:{Convert.ToHexString(near)}", $"far sha256:{Convert.ToHexString(far)}"]);

        var (ring, faults) = Read(Path);

        Assert.Empty(faults);
        Assert.All(Enumerable.Range(0, 300), i => Assert.Equal($"k{i}", ring.Find($"key-{i}")?.Key.Name));
        Assert.Null(ring.Find("key-300"));
    }

    [Fact]
    public void Read_ThePlaceholderOfTheManifests_HoldsNoKey()
    {
        var (ring, faults) = Read(System.IO.Path.Combine(Shared.RepositoryRoot, "k8s", "components", "api-keys", "keys"));

        Assert.Equal(0, ring.Count);
        Assert.Contains("holds no key", Assert.Single(faults), StringComparison.Ordinal);
    }

    [Fact]
    public async Task File_OverwrittenWhileItRuns_CountsAfterItsSeconds()
    {
        await File.WriteAllTextAsync(Path, "key-a");
        await using var host = await StartAsync();
        await File.WriteAllTextAsync(Path, "key-b");

        Assert.Equal(HttpStatusCode.OK, await AskAsync(host, "key-a"));
        _time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.OK), (await AskAsync(host, "key-a"), await AskAsync(host, "key-b")));
    }

    /// <summary>As the kubelet does it: the file is a link through a link, and that one is exchanged.</summary>
    [Fact]
    public async Task File_BehindAnExchangedLink_CountsToo()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege there.");
        foreach (var (version, key) in ((string, string)[])[("..1", "key-a"), ("..2", "key-b")])
        {
            Directory.CreateDirectory(System.IO.Path.Combine(_folder, version));
            await File.WriteAllTextAsync(System.IO.Path.Combine(_folder, version, "keys"), key);
        }

        var data = System.IO.Path.Combine(_folder, "..data");
        Directory.CreateSymbolicLink(data, "..1");
        File.CreateSymbolicLink(Path, "..data/keys");
        await using var host = await StartAsync();
        Assert.Equal(HttpStatusCode.OK, await AskAsync(host, "key-a"));

        Directory.Delete(data);
        Directory.CreateSymbolicLink(data, "..2");
        _time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.OK), (await AskAsync(host, "key-a"), await AskAsync(host, "key-b")));
    }

    [Theory]
    [InlineData("alice sha256:short")]
    [InlineData("")]
    [InlineData(null)]
    public async Task File_BrokenWhileItRuns_KeepsTheKeysAndSaysSo(string? text)
    {
        await File.WriteAllTextAsync(Path, "key-a");
        await using var host = await StartAsync();
        if (text is null)
            File.Delete(Path);
        else
            await File.WriteAllTextAsync(Path, text);
        _time.Advance(TimeSpan.FromSeconds(15));

        Assert.Equal(HttpStatusCode.OK, await AskAsync(host, "key-a"));
        using var health = await host.Http().GetAsync("/health");
        using var told = JsonDocument.Parse(await health.Content.ReadAsStringAsync());
        Assert.Equal((HttpStatusCode.OK, "ready"), (health.StatusCode, told.RootElement.GetProperty("status").GetString()));
        Assert.Contains("keys of before are in force", told.RootElement.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain(_folder, told.RootElement.GetRawText(), StringComparison.Ordinal);
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving,
            (await new Health.HealthClient(host.Channel()).CheckAsync(new HealthCheckRequest())).Status);
        // Three looks at the same content are one line.
        Assert.Single(host.Logs.Entries, line => line.StartsWith("Warning", StringComparison.Ordinal)
            && line.Contains("keys of before", StringComparison.Ordinal) && line.Contains(Path, StringComparison.Ordinal));

        await File.WriteAllTextAsync(Path, "key-c");
        _time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(HttpStatusCode.OK, await AskAsync(host, "key-c"));
        Assert.DoesNotContain("reason", await host.Http().GetStringAsync("/health"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keys_OfTheSettings_CountBesideTheFileAndOldOnesWhileTheyAreReplaced()
    {
        await File.WriteAllTextAsync(Path, "key-a");
        await using var host = await StartAsync(("Keys:alice:Hash", $"{KeyHash.Of("old")}, {KeyHash.Of("new")}"));

        foreach (var key in (string[])["key-a", "old", "new"])
            Assert.Equal(HttpStatusCode.OK, await AskAsync(host, key));
    }

    [Theory]
    [InlineData("Keys:alice:Hash", "plain-secret", "Gateway:Keys:alice:Hash is no hash")]
    [InlineData("Keys:two words:Hash", "HASH", "is no name of a caller")]
    [InlineData("Keys:alice:Hsh", "HASH", "Gateway:Keys:alice:Hsh is no setting of Parley; the nearest are Gateway:Keys:alice:Hash")]
    [InlineData("Limits:team:TokensPerMinute", "-1", "Gateway:Limits:team:TokensPerMinute is -1; it goes from 0 to 1,000,000,000.")]
    [InlineData("Limits:team:TokensPerMinute", "many", "Gateway:Limits:team:TokensPerMinute is 'many'")]
    public async Task Start_AWrongSetting_FailsNamingIt(string key, string value, string named)
    {
        var settings = new Dictionary<string, string?> { [key] = value == "HASH" ? KeyHash.Of("x") : value };
        var fault = await Assert.ThrowsAsync<OptionsValidationException>(() => GatewayHost.StartAsync(settings));

        Assert.Contains(named, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("plain-secret", fault.Message, StringComparison.Ordinal);
    }
}
