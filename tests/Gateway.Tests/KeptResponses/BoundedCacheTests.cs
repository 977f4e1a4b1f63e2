using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Parley.Gateway.KeptResponses;

namespace Parley.Gateway.Tests.KeptResponses;

public sealed class BoundedCacheTests
{
    private static readonly DistributedCacheEntryOptions TenMinutes = new() { SlidingExpiration = TimeSpan.FromMinutes(10) };

    private readonly FakeTimeProvider _time = new();

    private BoundedCache Make(long bytesMax)
    {
        var options = new GatewayOptions();
        options.ResponseStore.BytesMax = bytesMax;
        return new BoundedCache(Options.Create(options), _time);
    }

    [Fact]
    public void Set_BeyondTheBound_DropsTheLongestUnused()
    {
        var cache = Make(3500);
        cache.Set("a", new byte[800], TenMinutes);
        cache.Set("b", new byte[800], TenMinutes);
        cache.Set("c", new byte[800], TenMinutes);
        Assert.NotNull(cache.Get("a"));

        cache.Set("d", new byte[800], TenMinutes);

        Assert.Null(cache.Get("b"));
        Assert.All(["a", "c", "d"], key => Assert.NotNull(cache.Get(key)));
        Assert.InRange(cache.Bytes, 2400, 3500);
    }

    [Fact]
    public void Set_LargerThanEverything_HoldsNothing()
    {
        var cache = Make(1000);

        cache.Set("a", new byte[2000], TenMinutes);

        Assert.Null(cache.Get("a"));
        Assert.Equal(0, cache.Bytes);
    }

    [Fact]
    public void Get_WithinItsTime_KeepsItLonger()
    {
        var cache = Make(10_000);
        cache.Set("a", [1], TenMinutes);
        _time.Advance(TimeSpan.FromMinutes(9));
        Assert.NotNull(cache.Get("a"));
        _time.Advance(TimeSpan.FromMinutes(9));
        Assert.NotNull(cache.Get("a"));

        _time.Advance(TimeSpan.FromMinutes(10));

        Assert.Null(cache.Get("a"));
        Assert.Equal(0, cache.Bytes);
    }

    [Fact]
    public void Set_TheSameKey_ReplacesIt()
    {
        var cache = Make(10_000);
        cache.Set("a", new byte[100], TenMinutes);
        var once = cache.Bytes;

        cache.Set("a", new byte[100], TenMinutes);

        Assert.Equal(once, cache.Bytes);
        cache.Remove("a");
        Assert.Equal(0, cache.Bytes);
    }
}
