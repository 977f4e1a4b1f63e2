using Parley.Generator.Execution;
using Parley.Generator.Model;
using Parley.Generator.Tests.Doubles;
using Parley.Generator.Tests.Execution;
using Wire = Parley.Generator.V1;

namespace Parley.Generator.Tests.Edge;

/// <summary>The whole service on ONNX Runtime and a tiny graph.</summary>
public sealed class RealRunnerTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    public async Task Generate_OnOnnxRuntime_TogetherEqualsAlone(int draftTokensMax)
    {
        using var folder = new TemporaryFolder();
        var path = TinyModel.Write(folder.Path);
        await using var plain = await StartAsync(path, 0);
        await using var app = await StartAsync(path, draftTokensMax);
        var requests = Enumerable.Range(0, 12).Select(i => new Wire.GenerateRequest
        {
            // The last four are choices of one request, with a prompt that ends inside a block.
            PromptIds = { Enumerable.Range(0, 5 + (Math.Min(i, 8) * 9)).Select(j => (uint)((j * (Math.Min(i, 8) + 3)) % 50)) },
            Sampling = new Wire.SamplingParameters { MaxTokens = 24, Seed = (ulong)i, Temperature = i % 2 },
        }).ToList();

        var alone = new List<uint[]>();
        foreach (var request in requests)
            alone.Add(Ids(await plain.GenerateAsync(request)));
        var together = await Task.WhenAll(requests.Select(request => app.GenerateAsync(request)));

        for (var i = 0; i < requests.Count; i++)
        {
            Assert.Equal(24, alone[i].Length);
            Assert.Equal(alone[i], Ids(together[i]));
        }

        Assert.Equal(draftTokensMax > 0, app.Host.Engine!.Snapshot.DraftTokens > 0);
        app.Log.AssertNoErrors();
    }

    private static Task<GeneratorApp> StartAsync(string path, int draftTokensMax)
    {
        var model = GeneratorApp.Model(new ScriptedModelRunner()) with
        {
            Shape = TinyModel.Shape,
            Defaults = new GenerationDefaults { EosTokenIds = [] },
            CreateRunner = size => OnnxModelRunner.Create(path, TinyModel.Manifest(), new RunnerOptions
            {
                BlockTokens = 16,
                BlockCount = size.BlockCount,
                StepTokensMax = 32,
                SequencesMax = 16,
                LogitRowsMax = 32,
                ContextTokensMax = size.ContextTokensMax,
                Threads = 1,
            }),
        };
        return GeneratorApp.StartAsync(
            open: () => model, settings: [("Generator:KvBlockTokens", "16"), ("Generator:DraftTokensDefault", $"{draftTokensMax}")]);
    }

    private static uint[] Ids(List<Wire.GenerateResponse> events) =>
        [.. events.Where(e => e.Tokens is not null).SelectMany(e => e.Tokens.Ids)];
}
