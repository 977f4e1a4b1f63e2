using Parley.Gateway.Balancing;

namespace Parley.Gateway.Tests.Balancing;

public sealed class ReplicaAddressesTests
{
    [Theory]
    [InlineData("http://g:5083", 1)]
    [InlineData(" http://g:5083 , https://h:5083,http://g:5083", 2)]
    [InlineData("http://[::1]:5083", 1)]
    public void Read_Addresses_AreTheReplicas(string text, int count)
    {
        var addresses = ReplicaAddresses.Read(text);
        Assert.Equal(count, addresses?.Fixed.Count);
        Assert.Null(addresses?.Host);
    }

    [Fact]
    public void Read_AName_IsLookedUp()
    {
        var addresses = ReplicaAddresses.Read("dns:///generator.parley.svc:5083");
        Assert.Equal(("generator.parley.svc", 5083), (addresses?.Host, addresses?.Port));
    }

    [Theory]
    [InlineData("")]
    [InlineData(",")]
    [InlineData("localhost:5083")]
    [InlineData("/generator")]
    [InlineData("ftp://g:5083")]
    [InlineData("http://g:5083,localhost:1")]
    [InlineData("dns:///generator")]
    [InlineData("dns:///generator:0")]
    [InlineData("dns:///generator:65536")]
    [InlineData("dns:///:5083")]
    [InlineData("dns://8.8.8.8/generator:5083")]
    [InlineData("dns:///generator:5083,http://g:5083")]
    public void Read_AnythingElse_IsRefused(string text) => Assert.Null(ReplicaAddresses.Read(text));

    [Fact]
    public void Read_TooMany_IsRefused() =>
        Assert.Null(ReplicaAddresses.Read(string.Join(',', Enumerable.Range(0, 257).Select(index => $"http://g{index}"))));
}
