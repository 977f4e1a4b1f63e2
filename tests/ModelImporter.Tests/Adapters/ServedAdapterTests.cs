using System.Text.Json;
using Parley.Generator.Adapters;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Kernels.Adapters;
using Parley.Generator.Model;
using Parley.ModelImporter.AdapterPackages;
using Parley.TestSupport;
using AdapterPackage = Parley.ModelImporter.AdapterPackages.AdapterPackage;

namespace Parley.ModelImporter.Tests.Adapters;

/// <summary>
/// Adapters that peft trained, served beside a quantised base. What peft computes is in fp32, so the error is that of the base's rounding;
/// it is as small as the same adapter's merged into the weights before these are rounded, and far from the base alone.
/// </summary>
public sealed class ServedAdapterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("attention-r8", "int8")]
    [InlineData("all-rslora-r4", "int8")]
    [InlineData("two-layers-r16", "int8")]
    [InlineData("attention-r8", "int4")]
    [InlineData("all-rslora-r4", "int4")]
    [InlineData("two-layers-r16", "int4")]
    public void Logits_Served_AreAsCloseToPeftsAsMerged(string name, string precision)
    {
        var adapter = Shared.Fixture("lora", name);
        using var expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(adapter, "expected.json")));
        Import("base", precision, []);
        Import("merged", precision, [adapter]);
        AdapterPackage.Run(
            new AdapterOptions { Adapter = adapter, Base = _folder.File("base"), Destination = _folder.File("adapter") });
        using var runner = Open("base", out var package);
        using var merged = Open("merged", out _);
        using var shelf = new AdapterShelf(
            new AdapterBaseModel(["base"], package.Manifest, runner.Adapted), new AdapterLimits(1, 1 << 24, 64));
        var weights = shelf.Load("adapter", _folder.File("adapter")).Adapter.Weights;
        LogitError served = new(), imported = new(), alone = new(), unlike = new();
        foreach (var scene in expected.RootElement.GetProperty("cases").EnumerateArray())
        {
            uint[] ids = [.. scene.GetProperty("ids").EnumerateArray().Select(id => id.GetUInt32())];
            var wanted = Fixture.Numbers(scene.GetProperty("last_logits"));
            var plain = Last(runner, ids, null);
            served.Add(Last(runner, ids, weights), wanted);
            imported.Add(Last(merged, ids, null), wanted);
            alone.Add(plain, wanted);
            unlike.Add(plain, Last(runner, ids, null));
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{name} {precision}: served {served}; merged {imported}; base {alone}");
        Assert.InRange(served.RootMeanSquare, 0, (1.5 * imported.RootMeanSquare) + 0.005);
        Assert.True(alone.RootMeanSquare > 2 * served.RootMeanSquare || precision == "int4", $"base alone {alone}, served {served}");
        Assert.True(alone.RootMeanSquare > served.RootMeanSquare, $"base alone {alone}, served {served}");
        Assert.Equal(0, unlike.Worst);
    }

    private void Import(string name, string precision, string[] adapters) => ModelImport.Run(new ImportOptions
    {
        Source = Fixture.Folder(Fixture.UntiedHeadDim32),
        Destination = _folder.File(name),
        Precision = precision,
        Adapters = adapters,
    });

    private OnnxModelRunner Open(string name, out ModelPackage package)
    {
        package = ModelPackage.Open(_folder.File(name));
        return OnnxModelRunner.Create(package.ModelPath, package.Manifest, Options());
    }

    private static RunnerOptions Options() => new()
    {
        BlockTokens = 16,
        BlockCount = 16,
        StepTokensMax = 256,
        SequencesMax = 1,
        LogitRowsMax = 1,
        ContextTokensMax = 256,
        Threads = 2,
    };

    private static float[] Last(OnnxModelRunner runner, uint[] ids, AdapterWeights? adapter)
    {
        var batch = Options().CreateBatch();
        batch.Clear(16);
        batch.Add(ids, 0, [.. Enumerable.Range(0, 16)], logitRows: 1);
        batch.SetAdapter(adapter);
        return runner.Run(batch).ToArray();
    }
}
