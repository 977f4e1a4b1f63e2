using System.Text.Json;
using Parley.ModelImporter.Gguf;
using Parley.ModelImporter.Tests.Gguf;
using Parley.ModelImporter.Tests.Parity;
using Parley.TestSupport;

namespace Parley.ModelImporter.Tests.Adapters;

/// <summary>Adapters that peft trained, merged at import, against what peft computes with them.</summary>
public sealed class AdapterParityTests : IDisposable
{
    private const double LogitBound = 1e-4;

    /// <summary>Where the two best logits are closer than this part of the largest, fp32 decides nothing.</summary>
    private const double MarginBound = 1e-3;

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string, bool, bool> Cases { get; } = new(
        from name in new[] { "attention-r8", "all-rslora-r4", "two-layers-r16" }
        from baseIsGguf in new[] { false, true }
        from adapterIsGguf in new[] { false, true }
        select (name, baseIsGguf, adapterIsGguf));

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Cases))]
    public void Logits_Merged_ArePefts(string name, bool baseIsGguf, bool adapterIsGguf)
    {
        using var expected = Expected(name);
        using var package = Package(name, baseIsGguf, adapterIsGguf);
        using var runner = package.Open(ParityPackage.Options());
        foreach (var scene in expected.RootElement.GetProperty("cases").EnumerateArray())
        {
            uint[] ids = [.. scene.GetProperty("ids").EnumerateArray().Select(id => id.GetUInt32())];

            var logits = package.Logits(runner, [ids], 64)[0];

            var error = Fixture.RelativeError(logits[^1], Fixture.Numbers(scene.GetProperty("last_logits")));
            TestContext.Current.TestOutputHelper?.WriteLine($"{name}: {error:E1}");
            Assert.InRange(error, 0, LogitBound);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Greedy_Merged_IsPefts(string name, bool baseIsGguf, bool adapterIsGguf)
    {
        using var expected = Expected(name);
        using var package = Package(name, baseIsGguf, adapterIsGguf);
        using var engine = new ParityEngine(package);
        var compared = 0;
        foreach (var scene in expected.RootElement.GetProperty("cases").EnumerateArray())
        {
            uint[] ids = [.. scene.GetProperty("ids").EnumerateArray().Select(id => id.GetUInt32())];
            uint[] greedy = [.. scene.GetProperty("greedy_ignore_eos").EnumerateArray().Select(id => id.GetUInt32())];
            var bound = MarginBound * Fixture.Numbers(scene.GetProperty("last_logits")).Max(MathF.Abs);
            var decided = Fixture.Numbers(scene.GetProperty("margins")).TakeWhile(margin => margin >= bound).Count();

            var answer = engine.Greedy(greedy.Length, ids)[0];

            compared += decided;
            Assert.Equal(greedy[..decided], answer[..decided]);
        }

        Assert.True(compared > 0);
    }

    private static JsonDocument Expected(string name) =>
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Shared.Fixture("lora", name), "expected.json")));

    private ParityPackage Package(string name, bool baseIsGguf, bool adapterIsGguf)
    {
        var source = baseIsGguf
            ? GgufCheckpoint.Write(_folder, Fixture.UntiedHeadDim32, withConfig: false, _ => GgufType.F32)
            : Fixture.Folder(Fixture.UntiedHeadDim32);
        var adapter = Shared.Fixture("lora", name);
        return new ParityPackage(
            source, adapters: adapterIsGguf ? GgufAdapterFolder.Convert(_folder, adapter, headSize: 32) : adapter);
    }
}
