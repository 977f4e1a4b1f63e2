using Parley.Generator.Adapters;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Kernels.Adapters;
using Parley.Generator.Model;
using Parley.Generator.Tests.Doubles;
using Parley.Generator.Tests.Execution;
using Parley.PackageFormat;
using Wire = Parley.Generator.V1;

namespace Parley.Generator.Tests.Adapters;

/// <summary>Adapters within ONNX Runtime: nodes find theirs by name, and steps of several equal each alone, to the bit.</summary>
public sealed class AdaptedModelTests : IDisposable
{
    private static readonly string[] Names =
    [
        "layers.0.qkv", "layers.0.attention_output", "layers.0.gate_up", "layers.0.down",
        "layers.1.qkv", "layers.1.attention_output", "layers.1.gate_up", "layers.1.down",
    ];

    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Create_OfAQuantisedGraph_KnowsItsLinearsByName()
    {
        using var runner = Runner();

        Assert.Equal(Names.Order(), runner.Adapted.All.Select(linear => linear.Name).Order());
        Assert.All(Names, name => Assert.Equal(name, runner.Adapted.Find(name)!.Name));
        Assert.Equal((64, 192), (runner.Adapted.Find("layers.1.gate_up")!.Inputs, runner.Adapted.Find("layers.1.gate_up")!.Outputs));
    }

    [Fact]
    public void Create_OfAGraphOfFloats_TakesNone()
    {
        using var runner = OnnxModelRunner.Create(TinyModel.Write(_folder.Path), TinyModel.Manifest(), Options(TinyModel.Shape));

        Assert.Empty(runner.Adapted.All);
    }

    [Fact]
    public void Run_StepsOfSeveralAdapters_GiveTheBitsOfEachAlone()
    {
        using var runner = Runner();
        using var shelf = Shelf(runner, "a", "b", "c");
        AdapterWeights?[] adapters = [.. shelf.Served.Select(adapter => adapter.Weights), null, null];
        var prompts = Enumerable.Range(0, 5)
            .Select(i => Enumerable.Range(0, 3 + (5 * i)).Select(j => (uint)((j * 7) % 50)).ToArray()).ToList();
        var alone = new List<float[]>();
        for (var i = 0; i < 5; i++)
            alone.Add(Logits(runner, [(prompts[i], 0, i, adapters[i])]));

        var together = Logits(runner, [.. prompts.Select((prompt, i) => (prompt, 0, i, adapters[i]))]);
        var first = Logits(runner, [.. prompts.Select((prompt, i) => (prompt[..2], 0, i, adapters[i]))]);
        var rest = Logits(runner, [.. prompts.Select((prompt, i) => (prompt[2..], 2, i, adapters[i]))]);

        Assert.Equal(alone.SelectMany(Bits), Bits(together));
        Assert.Equal(alone.SelectMany(Bits), Bits(rest));
        Assert.Equal(5 * 50, first.Length);
        // The same prompt says something else with each, and what has none is what it is without any.
        var answers = adapters.Select(adapter => string.Join(' ', Bits(Logits(runner, [(prompts[4], 0, 0, adapter)])))).ToList();
        Assert.Equal(4, answers.Distinct().Count());
        using var other = Runner();
        Assert.Equal(answers[4], string.Join(' ', Bits(Logits(other, [(prompts[4], 0, 0, null)]))));
    }

    [Fact]
    public async Task Generate_WithAdaptersTogether_EqualsAlone()
    {
        var path = AdaptedModel.Write(_folder.Path);
        await using var app = await StartAsync(path);
        await using var plain = await StartAsync(path);
        string[] names = ["a", "b", "c", ""];
        var requests = Enumerable.Range(0, 12).Select(i => new Wire.GenerateRequest
        {
            PromptIds = { Enumerable.Range(0, 5 + (Math.Min(i, 8) * 4)).Select(j => (uint)((j * 3) % 50)) },
            Sampling = new Wire.SamplingParameters
            {
                MaxTokens = 16,
                Seed = (ulong)i,
                Temperature = i % 2,
                DraftTokens = i % 3 == 0 ? 4u : 0,
            },
            Adapter = names[i % 4],
        }).ToList();

        var alone = new List<uint[]>();
        foreach (var request in requests)
            alone.Add(Ids(await plain.GenerateAsync(request)));
        var together = await Task.WhenAll(requests.Select(request => app.GenerateAsync(request)));

        for (var i = 0; i < requests.Count; i++)
        {
            Assert.Equal(16, alone[i].Length);
            Assert.Equal(alone[i], Ids(together[i]));
        }

        app.Log.AssertNoErrors();
    }

    public void Dispose() => _folder.Dispose();

    private AdapterShelf Shelf(OnnxModelRunner runner, params string[] names)
    {
        var shelf = new AdapterShelf(
            new AdapterBaseModel(["tiny"], AdaptedModel.Manifest, runner.Adapted), new AdapterLimits(8, 1 << 24, 64));
        foreach (var (seed, name) in names.Index())
            shelf.Load(name, AdaptedModel.WriteAdapter(_folder.Path, name, seed, rank: 4 + seed));
        return shelf;
    }

    private Task<GeneratorApp> StartAsync(string path)
    {
        var model = GeneratorApp.Model(new ScriptedModelRunner()) with
        {
            Shape = AdaptedModel.Shape,
            Manifest = AdaptedModel.Manifest,
            Defaults = new GenerationDefaults { EosTokenIds = [] },
            CreateRunner = size => OnnxModelRunner.Create(
                path, AdaptedModel.Manifest, Options(AdaptedModel.Shape) with { BlockCount = size.BlockCount }),
        };
        return GeneratorApp.StartAsync(open: () => model, settings:
        [
            ("Generator:KvBlockTokens", "16"),
            .. new[] { "a", "b", "c" }.Select((name, seed) =>
                ($"Generator:Adapters:{name}", AdaptedModel.WriteAdapter(_folder.Path, name, seed))),
        ]);
    }

    private OnnxModelRunner Runner() => OnnxModelRunner.Create(
        AdaptedModel.Write(_folder.Path), AdaptedModel.Manifest, Options(AdaptedModel.Shape) with { Threads = 2 });

    private static RunnerOptions Options(ModelShape shape) => new()
    {
        BlockTokens = 16,
        BlockCount = 80,
        StepTokensMax = 128,
        SequencesMax = 16,
        LogitRowsMax = 32,
        ContextTokensMax = shape.ContextTokensMax,
        Threads = 1,
    };

    private static float[] Logits(OnnxModelRunner runner, (uint[] Ids, int Past, int Slot, AdapterWeights? Adapter)[] sequences)
    {
        var batch = Options(AdaptedModel.Shape).CreateBatch();
        batch.Clear(16);
        foreach (var (ids, past, slot, adapter) in sequences)
        {
            batch.Add(ids, past, [.. Enumerable.Range(16 * slot, 16)], logitRows: 1);
            batch.SetAdapter(adapter);
        }

        return runner.Run(batch).ToArray();
    }

    private static IEnumerable<int> Bits(float[] values) => values.Select(BitConverter.SingleToInt32Bits);

    private static uint[] Ids(List<Wire.GenerateResponse> events) =>
        [.. events.Where(e => e.Tokens is not null).SelectMany(e => e.Tokens.Ids)];
}
