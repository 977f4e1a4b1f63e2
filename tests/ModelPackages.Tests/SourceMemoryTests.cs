using Microsoft.Extensions.Time.Testing;
using Parley.TestSupport;

namespace Parley.ModelPackages.Tests;

/// <summary>What is remembered of a source is believed only as long as none of its files has changed.</summary>
public sealed class SourceMemoryTests : IDisposable
{
    private static readonly DateTime Written = new(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc);
    private static readonly SourceFacts Facts = new(new string('1', 64), "int8");

    private readonly string _folder = Directory.CreateTempSubdirectory("parley-memory-").FullName;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(Written.AddHours(1)));

    public SourceMemoryTests()
    {
        Directory.CreateDirectory(Source);
        foreach (var path in Directory.GetFiles(Shared.DemoModel))
        {
            File.Copy(path, Path.Combine(Source, Path.GetFileName(path)));
            File.SetLastWriteTimeUtc(Path.Combine(Source, Path.GetFileName(path)), Written);
        }
    }

    private string Source => Path.Combine(_folder, "source");

    private SourceMemory Memory => new(Path.Combine(_folder, "memory"), _time);

    [Fact]
    public void Find_OfASourceThatStayed_KnowsIt()
    {
        Assert.Null(Memory.Find(Source));
        Memory.Keep(Source, SourceMemory.Stamp(Source), Facts);
        Assert.Equal(Facts, Memory.Find(Source));
    }

    [Theory]
    [InlineData("config.json")]
    [InlineData("tokenizer.json")]
    [InlineData("model.safetensors")]
    public void Find_AfterAFileWasTouched_KnowsNothing(string name)
    {
        Memory.Keep(Source, SourceMemory.Stamp(Source), Facts);
        File.SetLastWriteTimeUtc(Path.Combine(Source, name), Written.AddTicks(1));
        Assert.Null(Memory.Find(Source));
    }

    [Fact]
    public void Find_AfterALengthChanged_KnowsNothing()
    {
        Memory.Keep(Source, SourceMemory.Stamp(Source), Facts);
        var path = Path.Combine(Source, "tokenizer_config.json");
        File.AppendAllText(path, " ");
        File.SetLastWriteTimeUtc(path, Written);
        Assert.Null(Memory.Find(Source));
    }

    [Fact]
    public void Find_AfterAFileCame_KnowsNothing()
    {
        Memory.Keep(Source, SourceMemory.Stamp(Source), Facts);
        var path = Path.Combine(Source, "tokenizer.model");
        File.WriteAllText(path, "");
        File.SetLastWriteTimeUtc(path, Written);
        Assert.Null(Memory.Find(Source));
    }

    [Fact]
    public void Keep_OfASourceThatChangedMeanwhile_KeepsNothing()
    {
        var before = SourceMemory.Stamp(Source);
        File.SetLastWriteTimeUtc(Path.Combine(Source, "config.json"), Written.AddMinutes(1));
        Memory.Keep(Source, before, Facts);
        Assert.Null(Memory.Find(Source));
    }

    [Fact]
    public void Keep_OfASourceThatWasJustWritten_KeepsNothing()
    {
        _time.SetUtcNow(new DateTimeOffset(Written.AddHours(2)));
        File.SetLastWriteTimeUtc(Path.Combine(Source, "config.json"), Written.AddHours(2).AddSeconds(-1));
        Memory.Keep(Source, SourceMemory.Stamp(Source), Facts);
        Assert.Null(Memory.Find(Source));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
