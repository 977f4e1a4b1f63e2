using Microsoft.Extensions.Time.Testing;
using Parley.Cli.Hub;

namespace Parley.Cli.Tests.Hub;

public sealed class TransferRateTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void PerSecond_OfWhatCame_LeavesOutWhatWasThere()
    {
        var rate = new TransferRate(_time);
        rate.Note(5000);
        Assert.Null(rate.PerSecond);
        _time.Advance(TimeSpan.FromSeconds(2));
        rate.Note(5600);
        Assert.Equal(300, rate.PerSecond);
        Assert.Equal(TimeSpan.FromSeconds(3), rate.Left(6500));
    }

    [Fact]
    public void PerSecond_AfterAPause_FallsAndForgetsWhatIsOld()
    {
        var rate = new TransferRate(_time);
        for (var i = 0; i <= 20; i++)
        {
            rate.Note(i * 1000);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(500, rate.PerSecond);
    }

    [Fact]
    public void PerSecond_WhenTheCountFalls_BeginsAnew()
    {
        var rate = new TransferRate(_time);
        rate.Note(1000);
        _time.Advance(TimeSpan.FromSeconds(1));
        rate.Note(2000);
        rate.Note(0);
        Assert.Null(rate.PerSecond);
        _time.Advance(TimeSpan.FromSeconds(1));
        rate.Note(10);
        Assert.Equal(10, rate.PerSecond);
    }

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(999, "999 B")]
    [InlineData(1000, "1.00 kB")]
    [InlineData(7_017_000, "7.02 MB")]
    [InlineData(99_960_000, "100 MB")]
    [InlineData(999_999_999, "1.00 GB")]
    [InlineData(123_456_789_012, "123 GB")]
    public void ByteText_OfNumbers_HasThreeDigits(long bytes, string expected) => Assert.Equal(expected, ByteText.Of(bytes));
}
