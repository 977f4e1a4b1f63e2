using Parley.Generator.Adapters;
using Parley.Generator.Tests.Execution;
using Parley.PackageFormat;

namespace Parley.Generator.Tests.Adapters;

/// <summary>Adapters are hostile input: whatever is wrong with one is refused, naming file and field, and nothing is served.</summary>
public sealed class AdapterPackageTests : IDisposable
{
    private static readonly AdapterLimits Limits = new(Count: 3, Bytes: 1 << 20, Rank: 8);

    private readonly TemporaryFolder _root = new();

    public static TheoryData<string, string> Faults { get; } = new()
    {
        { "no folder", "there is no such folder" },
        { "no manifest", "adapter.json: the file is missing" },
        { "peft", "as peft writes it" },
        { "no data", "adapter.data: the file is missing" },
        { "not json", "adapter.json: " },
        { "long manifest", "adapter.json: more than" },
        { "version", "formatVersion is 2" },
        { "unknown field", "adapter.json: " },
        { "rank", "rankMax is 9, Generator:AdapterRankMax allows 8" },
        { "rank of a part", "rank is 0, not 1 to" },
        { "another base", "base.sourceSha256 is" },
        { "another architecture", "base.architecture is" },
        { "unknown node", "linears[1].node is layers.9.down" },
        { "the head", "linears[1].node is head" },
        { "inputs", "linears[0].inputs is 32, layers.0.qkv has 64" },
        { "outputs", "linears[0].parts end at row 128, layers.0.qkv has 96" },
        { "outputs beyond all", "linears[0] (layers.0.qkv): parts[1].outputs is" },
        { "parts overlap", "parts[1].output is 16" },
        { "node twice", "stands there twice" },
        { "offset", "parts[0].a is 4" },
        { "offset beyond", "within the" },
        { "negative offset", "parts[0].b is -64" },
        { "data short", "adapter.data: the file has" },
        { "data long", "adapter.data: the file has" },
        { "hash", "adapter.data: the SHA-256 is" },
        { "nan", "adapter.data: holds a number that is not finite" },
        { "infinity", "adapter.data: holds a number that is not finite" },
        { "too large", "Generator:AdapterBytesMax allows" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void Load_WhateverIsWrong_IsRefusedByFileAndField(string fault, string expected)
    {
        var folder = AdapterFolder.WriteSmall(_root.Path, "one");
        Spoil(folder, fault);
        using var shelf = new AdapterShelf(AdapterFolder.Model(), Limits);

        var exception = Assert.Throws<AdapterException>(() => shelf.Load("one", folder));

        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
        Assert.Equal((AdapterRefusalKind.Invalid, "path"), (exception.Kind, exception.Field));
        Assert.Empty(shelf.Served);
        Assert.Equal(0, shelf.Bytes);
    }

    [Fact]
    public void Load_AnAdapterAsItShouldBe_IsServed()
    {
        using var shelf = new AdapterShelf(AdapterFolder.Model(), Limits);

        Assert.Equal(2, shelf.Load("one", AdapterFolder.WriteSmall(_root.Path, "one", rank: 8)).Adapter.LinearCount);
    }

    public void Dispose() => _root.Dispose();

    private static void Spoil(string folder, string fault)
    {
        var (json, data) = (Path.Combine(folder, AdapterManifest.FileName), Path.Combine(folder, AdapterManifest.DataName));
        var text = File.ReadAllText(json);
        switch (fault)
        {
            case "no folder":
                Directory.Delete(folder, recursive: true);
                break;
            case "no manifest":
                File.Delete(json);
                break;
            case "peft":
                File.Move(json, Path.Combine(folder, "adapter_config.json"));
                break;
            case "no data":
                File.Delete(data);
                break;
            case "not json":
                File.WriteAllText(json, text[..^10]);
                break;
            case "long manifest":
                File.AppendAllText(json, new string(' ', AdapterManifest.BytesLimit));
                break;
            case "version":
                File.WriteAllText(json, text.Replace("\"formatVersion\": 1", "\"formatVersion\": 2", StringComparison.Ordinal));
                break;
            case "unknown field":
                File.WriteAllText(json, text.Replace("\"formatVersion\": 1", "\"formatVersion\": 1, \"x\": 1", StringComparison.Ordinal));
                break;
            case "rank of a part":
                File.WriteAllText(json, text.Replace("\"rank\": 4", "\"rank\": 0", StringComparison.Ordinal));
                break;
            case "unknown node":
                File.WriteAllText(json, text.Replace("layers.0.down", "layers.9.down", StringComparison.Ordinal));
                break;
            case "the head":
                File.WriteAllText(json, text.Replace("layers.0.down", "head", StringComparison.Ordinal));
                break;
            case "node twice":
                File.WriteAllText(json, text.Replace("layers.0.down", "layers.0.qkv", StringComparison.Ordinal));
                break;
            case "data short":
                File.WriteAllBytes(data, File.ReadAllBytes(data)[..^4]);
                break;
            case "data long":
                File.AppendAllText(data, "four");
                break;
            case "hash":
                var bytes = File.ReadAllBytes(data);
                bytes[0] ^= 1;
                File.WriteAllBytes(data, bytes);
                break;
            case "nan":
                AdapterFolder.Rewrite(folder, numbers => numbers[^1] = float.NaN);
                break;
            case "infinity":
                AdapterFolder.Rewrite(folder, numbers => numbers[7] = float.NegativeInfinity);
                break;
            default:
                SpoilManifest(folder, fault);
                break;
        }
    }

    private static void SpoilManifest(string folder, string fault)
    {
        var manifest = AdapterFolder.Read(folder);
        AdapterLinear first = manifest.Linears[0];
        AdapterPart q = first.Parts[0], v = first.Parts[1];
        AdapterManifest With(params AdapterPart[] parts) => manifest with { Linears = [first with { Parts = parts }, manifest.Linears[1]] };
        AdapterFolder.Write(folder, fault switch
        {
            "rank" => Ranked(folder),
            "another base" => manifest with { Base = manifest.Base with { SourceSha256 = new string('2', 64) } },
            "another architecture" => manifest with { Base = manifest.Base with { Architecture = "OtherForCausalLM" } },
            "inputs" => manifest with { Linears = [first with { Inputs = 32 }, manifest.Linears[1]] },
            "outputs" => With(q, v with { Output = 96 }),
            "outputs beyond all" => With(q, v with { Output = int.MaxValue - 3 }),
            "parts overlap" => With(q, v with { Output = 16 }),
            "offset" => With(q with { A = 4 }, v),
            "offset beyond" => With(q with { A = 1 << 20 }, v),
            "negative offset" => With(q with { B = -64 }, v),
            "too large" => manifest with
            {
                Files = new Dictionary<string, PackageFile> { [AdapterManifest.DataName] = new(1L << 40, new string('0', 64)) },
            },
            _ => throw new ArgumentOutOfRangeException(nameof(fault), fault, null),
        });
    }

    private static AdapterManifest Ranked(string folder)
    {
        Directory.Delete(folder, recursive: true);
        AdapterFolder.Write(folder, TinyModel.Manifest(), 1, 0.1f, false, ("layers.0.qkv", 64, [(0, 96, 9)]));
        return AdapterFolder.Read(folder);
    }
}
