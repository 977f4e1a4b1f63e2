using Parley.Generator.Execution;
using Parley.Generator.Model;
using Parley.Generator.Tests.Doubles;
using Parley.Generator.Tests.Execution;
using Wire = Parley.Generator.V1;

namespace Parley.Generator.Tests.Edge;

/// <summary>The whole service on ONNX Runtime and a tiny graph.</summary>
public sealed class RealRunnerTests
{
    [Fact]
    public async Task Generate_OnOnnxRuntime_TogetherEqualsAlone()
    {
        using var folder = new TemporaryFolder();
        var path = TinyModel.Write(folder.Path);
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
                LogitRowsMax = 16,
                ContextTokensMax = size.ContextTokensMax,
                Threads = 1,
            }),
        };
        await using var app = await GeneratorApp.StartAsync(open: () => model, settings: [("Generator:KvBlockTokens", "16")]);
        var requests = Enumerable.Range(0, 12).Select(i => new Wire.GenerateRequest
        {
            PromptIds = { Enumerable.Range(0, 5 + (i * 9)).Select(j => (uint)((j * (i + 3)) % 50)) },
            Sampling = new Wire.SamplingParameters { MaxTokens = 24, Seed = (ulong)i, Temperature = i % 2 },
        }).ToList();

        var alone = new List<uint[]>();
        foreach (var request in requests)
            alone.Add(Ids(await app.GenerateAsync(request)));
        var together = await Task.WhenAll(requests.Select(request => app.GenerateAsync(request)));

        for (var i = 0; i < requests.Count; i++)
        {
            Assert.Equal(24, alone[i].Length);
            Assert.Equal(alone[i], Ids(together[i]));
        }

        app.Log.AssertNoErrors();
    }

    private static uint[] Ids(List<Wire.GenerateResponse> events) =>
        [.. events.Where(e => e.Tokens is not null).SelectMany(e => e.Tokens.Ids)];
}
