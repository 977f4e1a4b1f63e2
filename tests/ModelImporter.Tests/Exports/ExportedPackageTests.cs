using Microsoft.Extensions.Logging.Abstractions;
using Parley.Generator;
using Parley.Generator.Execution;
using Parley.Generator.Model;
using Parley.ModelImporter.Tests.Parity;
using Parley.PackageFormat;
using Parley.TestSupport;

namespace Parley.ModelImporter.Tests.Exports;

/// <summary>Exports of others as they are, beside a plain forward in double over the weights that they stand for.</summary>
public sealed class ExportedPackageTests
{
    private const int Context = 128;

    private static readonly uint[][] Prompts =
    [
        [.. Enumerable.Range(0, 23).Select(i => (uint)((i * 37) + 5) % 384)],
        [7],
        [.. Enumerable.Range(0, 70).Select(i => (uint)(i * i) % 384)],
        [.. Enumerable.Range(0, 9).Select(i => (uint)((i * 11) + 300) % 384)],
    ];

    public static TheoryData<string> Styles => [.. All.Keys];

    internal static Dictionary<string, ExportStyle> All { get; } = new ExportStyle[]
    {
        new(), new() { IsPacked = true, CastsLogits = true }, new() { Bits = 4 }, new() { Bits = 4, IsPacked = true, HasZeroPoints = true },
        new() { Bits = 8 }, new() { Bits = 8, HasZeroPoints = true }, new() { IsHalf = true }, new() { KeepsLogits = true },
        new() { IsGenai = false }, new() { IsGenai = false, Bits = 4 }, new() { IsGenai = false, KeepsLogits = true },
        new() { IsGenai = false, IsHalf = true, CastsLogits = true },
    }.ToDictionary(style => style.ToString());

    [Theory]
    [MemberData(nameof(Styles))]
    public void Package_ChunksAndRowsOfFourSequences_AreTheForwardInDouble(string name)
    {
        var style = All[name];
        using var folder = new TemporaryFolder();
        var (checkpoint, package) = Import(folder, style);
        var graph = package.Manifest.Export!;
        Assert.Equal(style.IsGenai ? ExportedGraph.Shared : ExportedGraph.Growing, graph.Caches);
        Assert.Equal(style.KeepsLogits ? ExportedGraph.Last : ExportedGraph.Rows, graph.LogitRows);
        var options = Options();
        using var runner = PackageOpener.CreateRunner(package, options);
        var reference = new ReferenceForward(checkpoint);
        var expected = Prompts.Select(ids => reference.Logits([.. ids.Select(id => (int)id)])).ToArray();
        var (batch, past, worst) = (options.CreateBatch(), new int[Prompts.Length], 0.0);
        for (var step = 0; past.Zip(Prompts).Any(pair => pair.First < pair.Second.Length); step++)
        {
            batch.Clear(1);
            var owners = new List<(int Sequence, int Position)>();
            for (var i = 0; i < Prompts.Length; i++)
            {
                // Chunks of 1 to 11 tokens and single rows, slots in another order than sequences.
                var count = Math.Min(1 + (((step * 7) + (i * 5)) % 11 * (step % 2)), Prompts[i].Length - past[i]);
                if (count == 0)
                    continue;
                var rows = (step + i) % 3 == 0 ? Math.Min(2, count) : 1;
                batch.Add(Prompts[i].AsSpan(past[i], count), past[i], [3 - i], rows);
                past[i] += count;
                owners.AddRange(Enumerable.Range(past[i] - rows, rows).Select(position => (i, position)));
            }

            var logits = runner.Run(batch).Span;
            foreach (var (row, (sequence, position)) in owners.Index())
                worst = Math.Max(worst, Fixture.RelativeError(logits.Slice(row * 384, 384), expected[sequence][position]));
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{name}: {worst:G3}");
        Assert.InRange(worst, 0, style.IsHalf ? 2e-2 : 1e-5);
    }

    [Theory]
    [InlineData("genai 4 b32 packed zeros", 0)]
    [InlineData("genai 0 b32", 0)]
    [InlineData("genai 0 b32", 4)]
    [InlineData("optimum 0 b32", 0)]
    [InlineData("optimum 0 b32", 4)]
    public void Engine_SequencesTogetherAndAlone_AnswerAsTheForwardInDouble(string name, int drafts)
    {
        var style = All.TryGetValue(name, out var known) ? known : new ExportStyle { Bits = 4, IsPacked = true, HasZeroPoints = true };
        using var folder = new TemporaryFolder();
        var (checkpoint, package) = Import(folder, style);
        var reference = new ReferenceForward(checkpoint);
        // The last begins as the third does, which is a copy of a slot; together they are more than slots.
        uint[][] prompts = [.. Prompts, [.. Prompts[2].Take(60), 3, 4], Prompts[2]];
        using var engine = new ParityEngine(
            options => PackageOpener.CreateRunner(package, Slots(options)),
            draftTokens: drafts, context: Context, stepTokens: 24);

        var together = engine.Greedy(20, prompts);

        foreach (var (prompt, answer) in prompts.Zip(together))
        {
            Assert.Equal(engine.Greedy(20, prompt)[0], answer);
            var logits = reference.Logits([.. prompt.Select(id => (int)id), .. answer.Select(id => (int)id)]);
            for (var i = 0; i < answer.Length; i++)
            {
                var row = logits[prompt.Length - 1 + i];
                // Where two are as good as one another, rounding may choose.
                Assert.InRange(row.Max() - row[answer[i]], 0, 1e-4 * row.Max(Math.Abs));
            }
        }

        Assert.Equal(drafts > 0, engine.Totals.DraftTokens > 0);
    }

    [Fact]
    public void Engine_AContextThatEnds_EndsTheAnswer()
    {
        using var folder = new TemporaryFolder();
        var (_, package) = Import(folder, new ExportStyle());
        using var engine = new ParityEngine(
            options => PackageOpener.CreateRunner(package, Slots(options)),
            context: Context);

        var ends = engine.RunToEnds(500, Prompts[2], Prompts[0]);

        Assert.All(ends.Zip([Prompts[2], Prompts[0]]), pair => Assert.Equal(Context, pair.First.Tokens.Length + pair.Second.Length));
    }

    [Fact]
    public void Opener_OfAnExport_HasASlotForEachSequenceAndSaysSo()
    {
        using var folder = new TemporaryFolder();
        var (_, package) = Import(folder, new ExportStyle { Bits = 4 });
        var served = Open(package.Folder, new GeneratorOptions { RunningSequencesMax = 3 });

        var size = served.PlanCache!();
        using var runner = served.CreateRunner(size);

        Assert.Equal((3, 256), (size.BlockCount, size.ContextTokensMax));
        Assert.Equal((3, 256), (runner.BlockCount, runner.BlockTokens));
        Assert.Equal(4 * 2 * 2 * 16 * sizeof(float), served.KvBytesPerToken);
        Assert.Equal("exported", served.Precision);
        Assert.Contains("GroupQueryAttention over 3 slots", runner.Device, StringComparison.Ordinal);
        Assert.Contains("prefixes are shared among running sequences alone", runner.Device, StringComparison.Ordinal);
        Assert.Equal(0.7f, served.Defaults.Temperature);
        Assert.Equal(40, served.Defaults.TopK);
        Assert.Equal([1u], served.Defaults.EosTokenIds);
        Assert.True(served.WeightBytes > 0);
    }

    [Theory]
    [InlineData(16, 0, 1, "lower Generator:RunningSequencesMax to")]
    [InlineData(1, 256, 0, null)]
    [InlineData(2, 0, 1, null)]
    public void Opener_WithoutRoomForTheSlots_IsRefusedWithWhatWouldFit(int sequences, int context, int megabytes, string? refusal)
    {
        using var folder = new TemporaryFolder();
        var (_, package) = Import(folder, new ExportStyle());
        // A slot of 256 positions takes 256 KiB.
        var options = new GeneratorOptions { RunningSequencesMax = sequences, ContextTokensMax = context, KvCacheMegabytes = megabytes };

        if (refusal is null)
            Assert.Equal(sequences, Open(package.Folder, options).PlanCache!().BlockCount);
        else
        {
            var fault = Assert.Throws<InvalidDataException>(() => Open(package.Folder, options)).Message;
            Assert.Contains(refusal, fault, StringComparison.Ordinal);
        }
    }

    internal static (string Checkpoint, ModelPackage Package) Import(TemporaryFolder folder, ExportStyle style)
    {
        var (checkpoint, export) = ExportWriter.Write(folder, style);
        var result = ModelImport.Run(new ImportOptions
        {
            Source = export,
            Destination = folder.File("package"),
            Precision = ModelImport.DefaultPrecision(export),
        });
        Assert.Equal(ModelImport.Exported, result.Precision);
        return (checkpoint, ModelPackage.Open(result.Path, verifyHashes: true));
    }

    private static Parley.Generator.Engine.ServedModel Open(string package, GeneratorOptions options)
    {
        options.PackageDirectory = package;
        return new PackageOpener(Microsoft.Extensions.Options.Options.Create(options), NullLoggerFactory.Instance).Open();
    }

    private static RunnerOptions Slots(RunnerOptions options) =>
        options with { BlockTokens = Context, BlockCount = 4, ContextTokensMax = Context };

    private static RunnerOptions Options() => new()
    {
        BlockTokens = Context,
        BlockCount = 4,
        StepTokensMax = 64,
        SequencesMax = 4,
        LogitRowsMax = 8,
        ContextTokensMax = Context,
        Threads = 1,
    };
}
