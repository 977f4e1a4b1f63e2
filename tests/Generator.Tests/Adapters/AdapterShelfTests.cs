using Parley.Generator.Adapters;
using Parley.Generator.Tests.Execution;

namespace Parley.Generator.Tests.Adapters;

/// <summary>Names, holders and memory of adapters.</summary>
public sealed class AdapterShelfTests : IDisposable
{
    private static readonly AdapterLimits Limits = new(Count: 3, Bytes: 1 << 20, Rank: 8);

    private readonly TemporaryFolder _folder = new();
    private readonly AdapterShelf _shelf = new(AdapterFolder.Model(), Limits);

    [Fact]
    public void Load_AnAdapter_IsServedUntilItIsUnloaded()
    {
        var (adapter, replaced) = _shelf.Load("org/one", Folder("a"));

        Assert.Null(replaced);
        Assert.Equal(("org/one", 4, 2), (adapter.Name, adapter.RankMax, adapter.LinearCount));
        Assert.Equal(adapter.Weights.Bytes, _shelf.Bytes);
        Assert.Same(adapter, Assert.Single(_shelf.Served));
        Assert.Equal(0, _shelf.Unload("org/one"));
        Assert.Empty(_shelf.Served);
        Assert.Equal(0, _shelf.Bytes);
        Assert.Equal(AdapterRefusalKind.Unknown, Assert.Throws<AdapterException>(() => _shelf.Unload("org/one")).Kind);
    }

    [Fact]
    public void Unload_WhileSomebodyHoldsIt_FreesItsMemoryWithTheLast()
    {
        _shelf.Load("one", Folder("a"));
        var (first, second) = (_shelf.Hold("adapter", "one"), _shelf.Hold("adapter", "one"));
        var bytes = _shelf.Bytes;

        Assert.Equal(2, _shelf.Unload("one"));
        var refused = Assert.Throws<AdapterException>(() => _shelf.Hold("adapter", "one"));
        Assert.Equal((AdapterRefusalKind.Unknown, "adapter"), (refused.Kind, refused.Field));
        first.Dispose();
        first.Dispose();
        Assert.Equal(bytes, _shelf.Bytes);
        second.Dispose();
        Assert.Equal(0, _shelf.Bytes);
    }

    [Fact]
    public void Load_TheSameNameAgain_IsAnotherIdentity()
    {
        _shelf.Load("one", Folder("a"));
        using var hold = _shelf.Hold("adapter", "one");

        var (adapter, replaced) = _shelf.Load("one", Folder("b", seed: 2));

        Assert.Equal(1, replaced);
        Assert.NotEqual(hold.Weights.Identity, adapter.Weights.Identity);
        using var later = _shelf.Hold("adapter", "one");
        Assert.Same(adapter.Weights, later.Weights);
        Assert.Equal(hold.Weights.Bytes + adapter.Weights.Bytes, _shelf.Bytes);
        hold.Dispose();
        Assert.Equal(adapter.Weights.Bytes, _shelf.Bytes);
    }

    /// <summary>Half the memory where the numbers are 16 bits as they come.</summary>
    [Fact]
    public void Load_NumbersOf16Bits_TakeHalf()
    {
        var wide = _shelf.Load("wide", Folder("a", rank: 8)).Adapter.Weights.Bytes;
        var narrow = _shelf.Load("narrow", AdapterFolder.WriteSmall(_folder.Path, "b", rank: 8, isNarrow: true)).Adapter.Weights.Bytes;

        Assert.InRange(narrow, wide / 2, wide * 6 / 10);
    }

    [Fact]
    public unsafe void Load_Rounded_TakesHalfAndTheNearestNumbers()
    {
        using var shelf = new AdapterShelf(AdapterFolder.Model(), Limits with { Precision = AdapterPrecision.Bf16 });
        var folder = Folder("a");
        float[] written = [1 + (1f / 256), 1 + (3f / 256), -1.00001f, float.MaxValue];
        AdapterFolder.Rewrite(folder, numbers => written.CopyTo(numbers, 0));

        var rounded = shelf.Load("one", folder).Adapter.Weights;

        var down = (nint)rounded.Linears[0].Down;
        Assert.True(rounded.Linears[0].IsNarrow);
        Assert.Equal([1, 1 + (1f / 64), -1, 3.3895314e38f],
            Enumerable.Range(0, 4).Select(i => BitConverter.UInt32BitsToSingle((uint)((ushort*)down)[i] << 16)));
        Assert.InRange(rounded.Bytes, 1, _shelf.Load("exact", folder).Adapter.Weights.Bytes * 6 / 10);
    }

    [Fact]
    public void Load_MoreThanTheSettingsAllow_IsRefusedAndChangesNothing()
    {
        var folder = Folder("a");
        foreach (var name in new[] { "a", "b", "c" })
            _shelf.Load(name, folder);

        var exception = Assert.Throws<AdapterException>(() => _shelf.Load("d", folder));
        Assert.Equal((AdapterRefusalKind.Full, "name"), (exception.Kind, exception.Field));
        Assert.Contains("Generator:AdaptersMax", exception.Message, StringComparison.Ordinal);
        // One of the same name takes nobody's place.
        Assert.NotNull(_shelf.Load("a", folder).Replaced);

        using var small = new AdapterShelf(AdapterFolder.Model(), Limits with { Bytes = (_shelf.Bytes / 3 * 2) + 64 });
        small.Load("a", folder);
        small.Load("b", folder);
        var full = Assert.Throws<AdapterException>(() => small.Load("c", folder));
        Assert.Equal((AdapterRefusalKind.Full, "path"), (full.Kind, full.Field));
        Assert.Contains("Generator:AdapterBytesMax", full.Message, StringComparison.Ordinal);
        Assert.Equal(2, small.Served.Count);
    }

    [Theory]
    [InlineData("")]
    [InlineData("tiny")]
    [InlineData("alias")]
    [InlineData("a b")]
    [InlineData("a:b")]
    [InlineData("ä")]
    [InlineData("a\nb")]
    public void Load_ANameThatNoneCanHave_IsRefused(string name)
    {
        var exception = Assert.Throws<AdapterException>(() => _shelf.Load(name, Folder("a")));

        Assert.Equal((AdapterRefusalKind.Invalid, "name"), (exception.Kind, exception.Field));
        Assert.Throws<AdapterException>(() => _shelf.Load(new string('a', 129), Folder("a")));
        Assert.NotNull(_shelf.Load(new string('a', 128), Folder("a")).Adapter);
    }

    [Fact]
    public void Load_BesideAModelWithoutSuchLinears_SaysWhatToDo()
    {
        var model = AdapterFolder.Model("fp32");
        using var shelf = new AdapterShelf(model with { Linears = null }, Limits);

        var exception = Assert.Throws<AdapterException>(() => shelf.Load("one", Folder("a")));

        Assert.Equal(AdapterRefusalKind.Unsupported, exception.Kind);
        Assert.Contains("--precision int4 or int8, or merge the adapter by `parley import --adapter`", exception.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Hold_AnUnknownName_NamesThoseThatAreThere()
    {
        Assert.Contains("none is loaded", Assert.Throws<AdapterException>(() => _shelf.Hold("adapter", "x")).Message,
            StringComparison.Ordinal);
        _shelf.Load("one", Folder("a"));
        _shelf.Load("two", Folder("b"));

        var exception = Assert.Throws<AdapterException>(() => _shelf.Hold("adapter", new string('x', 500)));

        Assert.Contains("those that are: one, two", exception.Message, StringComparison.Ordinal);
        Assert.InRange(exception.Message.Length, 1, 300);
    }

    public void Dispose()
    {
        _shelf.Dispose();
        _folder.Dispose();
    }

    private string Folder(string name, int seed = 1, int rank = 4) => AdapterFolder.WriteSmall(_folder.Path, name, seed, rank);
}
