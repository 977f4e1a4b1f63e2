using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Parley.ServiceDefaults;

namespace Parley.EndToEnd.Tests;

/// <summary>What a command line and a configuration come to, without a port.</summary>
public sealed class ServiceHostTests
{
    private static readonly (string, int, HttpProtocols)[] Both =
        [("Http", 5080, HttpProtocols.Http1), ("Grpc", 5081, HttpProtocols.Http2)];

    private static readonly (string, int, HttpProtocols)[] GrpcAlone = [("Grpc", 5082, HttpProtocols.Http2)];

    private static Dictionary<string, string?> Complete(
        (string, int, HttpProtocols)[] defaults, params (string Key, string Value)[] settings)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(one => KeyValuePair.Create(one.Key, (string?)one.Value))).Build();
        return ServiceHost.Endpoints(configuration, defaults);
    }

    private static string Of(Dictionary<string, string?> settings, string endpoint) =>
        $"{settings[$"Kestrel:Endpoints:{endpoint}:Url"]} {settings[$"Kestrel:Endpoints:{endpoint}:Protocols"]}";

    [Fact]
    public void Endpoints_NothingConfigured_AreThoseOfTheProgramOnLoopback()
    {
        var settings = Complete(Both);

        Assert.Equal(4, settings.Count);
        Assert.Equal("http://127.0.0.1:5080 Http1", Of(settings, "Http"));
        Assert.Equal("http://127.0.0.1:5081 Http2", Of(settings, "Grpc"));
    }

    [Fact]
    public void Endpoints_OneConfigured_KeepsItsOwnAndTheOther()
    {
        var settings = Complete(Both, ("Kestrel:Endpoints:Http:Url", "http://127.0.0.1:9000"));

        Assert.Equal("http://127.0.0.1:9000 Http1", Of(settings, "Http"));
        Assert.Equal("http://127.0.0.1:5081 Http2", Of(settings, "Grpc"));
    }

    [Theory]
    [InlineData("0.0.0.0", "http://0.0.0.0:5080")]
    [InlineData("127.0.0.1", "http://127.0.0.1:5080")]
    [InlineData("127.9.9.9", "http://127.9.9.9:5080")]
    public void Endpoints_Host_IsThatOfAll(string host, string url)
    {
        var settings = Complete(Both, ("Parley:Host", host), ("Kestrel:Endpoints:Grpc:Url", "http://localhost:7000"));

        Assert.Equal($"{url} Http1", Of(settings, "Http"));
        Assert.Equal($"http://{host}:7000 Http2", Of(settings, "Grpc"));
    }

    [Fact]
    public void Endpoints_HostBesideAUnixSocket_LeavesTheSocket()
    {
        var settings = Complete(GrpcAlone, ("Parley:Host", "0.0.0.0"), ("Kestrel:Endpoints:Grpc:Url", "http://unix:/run/parley.sock"));

        Assert.Equal("http://unix:/run/parley.sock Http2", Of(settings, "Grpc"));
    }

    [Fact]
    public void Endpoints_VariableOfSomeShells_IsNotTheHost() =>
        Assert.Equal("http://127.0.0.1:5082 Http2", Of(Complete(GrpcAlone, ("HOST", "x86_64-conda-linux-gnu")), "Grpc"));

    [Theory]
    [InlineData("5082")]
    [InlineData("http://127.0.0.1:65536")]
    [InlineData("http://localhost:99999")]
    public void Endpoints_UrlThatIsNone_IsNamed(string url)
    {
        var fault = Assert.Throws<InvalidDataException>(() => Complete(GrpcAlone, ("Kestrel:Endpoints:Grpc:Url", url)));

        Assert.Contains($"Kestrel:Endpoints:Grpc:Url: '{url}' is none", fault.Message);
    }

    [Theory]
    [InlineData("ChoicesMax", "abc")]
    [InlineData("ChoicesMax", "99999999999")]
    [InlineData("AllowAnonymous", "maybe")]
    [InlineData("UnknownFields", "perhaps")]
    public void Setting_TextThatIsNoneOfItsType_IsNamedAndNoDefect(string name, string value)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new($"Gateway:{name}", value)]).Build();

        var fault = Assert.ThrowsAny<Exception>(() => configuration.GetSection("Gateway").Bind(new Gateway.GatewayOptions()));

        Assert.True(ServiceHost.IsUnreadableSetting(fault));
        Assert.Contains($"'{value}' at 'Gateway:{name}'", Cli.ErrorReport.For(fault));
    }

    [Fact]
    public void Endpoints_Urls_AreLeftAloneButForTheProtocol()
    {
        Assert.Equal("Http2", Assert.Single(Complete(GrpcAlone, ("urls", "http://127.0.0.1:1"))).Value);
        Assert.Empty(Complete(Both, ("urls", "http://127.0.0.1:1")));
        var fault = Assert.Throws<InvalidDataException>(() => Complete(Both, ("urls", "http://127.0.0.1:1"), ("Parley:Host", "0.0.0.0")));
        Assert.Contains("--host 0.0.0.0 and the URLs http://127.0.0.1:1", fault.Message);
    }

    [Fact]
    public void Addresses_OfLocalhost_AreLoopback()
    {
        var addresses = ServiceHost.Addresses("localhost");

        Assert.NotEmpty(addresses);
        Assert.All(addresses, address => Assert.True(IPAddress.IsLoopback(address)));
    }

    [Theory]
    [InlineData("http://127.0.0.1", "is no address or name")]
    [InlineData("127.0.0.1:5080", "is no address or name")]
    [InlineData("*", "is no address or name")]
    [InlineData("", "is no address or name")]
    [InlineData("192.0.2.7", "is no address of this machine")]
    [InlineData("2001:db8::7", "is no address of this machine")]
    public void Addresses_NotOfThisMachine_AreRefused(string host, string said)
    {
        var fault = Assert.Throws<InvalidDataException>(() => ServiceHost.Addresses(host));

        Assert.Contains("--host", fault.Message);
        Assert.Contains(said, fault.Message);
    }

    [Fact]
    public void Switches_InAnyForm_BecomeSettings()
    {
        var (others, settings) = ServiceHost.ReadSwitches(
            ["--A:B=1", "--name", "x", "--allow", "--name=y,z", "--host", "0.0.0.0", "--C:D", "--name-like"],
            [("--name", "S:Name", false), ("--host", "Host", false), ("--allow", "S:Allow", true)]);

        Assert.Equal(["--A:B=1", "--C:D", "--name-like"], others);
        Assert.Equal(("x,y,z", "0.0.0.0", "true"), (settings["S:Name"], settings["Host"], settings["S:Allow"]));
    }

    [Theory]
    [InlineData("--name")]
    [InlineData("--name=")]
    [InlineData("--name", "--host")]
    public void Switches_WithoutAValue_AreRefused(params string[] args)
    {
        var fault = Assert.Throws<InvalidDataException>(() => ServiceHost.ReadSwitches(args, [("--name", "S:Name", false)]));

        Assert.Equal("--name needs a value.", fault.Message);
    }
}
