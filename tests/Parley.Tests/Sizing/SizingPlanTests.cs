using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Parley.Cli.Sizing;
using Parley.Generator;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Cuda;
using Parley.Generator.Execution.Kernels;
using Parley.Generator.Machine;
using Parley.Generator.Model;
using Parley.ModelImporter;
using Parley.ModelPackages;
using Parley.TestSupport;

namespace Parley.Cli.Tests.Sizing;

/// <summary>The plan's numbers are the Generator's own.</summary>
public sealed class SizingPlanTests
{
    private const string Llama1B =
        "layers=16,hidden=2048,intermediate=8192,heads=32,kv-heads=8,head-size=64,vocabulary=128256,context=131072,tied=true";
    private const long Megabyte = 1 << 20;

    private static SizingTarget Target(int context = 0, int? sequences = null, long? memory = null, RequestLoad? load = null) =>
        new(context, sequences, memory, KvCachePrecision.Fp16, 4, load);

    [Theory]
    [InlineData("int8", nameof(KvCachePrecision.Fp16), 512, 3)]
    [InlineData("int4", nameof(KvCachePrecision.Int8), 1024, 2)]
    [InlineData("fp32", nameof(KvCachePrecision.Fp32), 100, 5)]
    public void Plan_OfTheDemoModel_IsWhatTheEngineTakes(string precision, string cache, int context, int sequences) =>
        AssertIsTheEngines(Shared.DemoModel, precision, Enum.Parse<KvCachePrecision>(cache), context, sequences);

    [Fact]
    public void Plan_OfSmolLm2_IsWhatTheEngineTakes() => AssertIsTheEngines(Shared.SmolLm2(), "int8", KvCachePrecision.Fp16, 700, 3);

    /// <summary>Imports the model, starts a runner with the plan's settings under its limit, compares pool and weights.</summary>
    private static void AssertIsTheEngines(string source, string precision, KvCachePrecision cache, int context, int sequences)
    {
        var folder = Directory.CreateTempSubdirectory("parley-plan-").FullName;
        try
        {
            var package = Path.Combine(folder, "package");
            ModelImport.Run(new ImportOptions
            {
                Source = source,
                Destination = package,
                Precision = precision,
                CalibrationIds = DefaultRounding.CalibrationIds(source, precision),
            });
            var model = ModelSize.OfPackage(ModelPackage.Open(package));
            var plan = SizingPlan.Compute(model, Target(context, sequences) with { KvPrecision = cache });

            var foreseen = ModelSize.OfSource("model", source, precision, 0);
            Assert.Equal((model.WeightBytes, model.Parameters, model.Shape), (foreseen.WeightBytes, foreseen.Parameters, foreseen.Shape));
            Assert.Equal(new FileInfo(Path.Combine(package, "model.data")).Length, model.WeightBytes);

            plan.Options.PackageDirectory = package;
            var served = new PackageOpener(Options.Create(plan.Options), NullLoggerFactory.Instance).Open();
            Assert.Equal(plan.TokenBytes, served.KvBytesPerToken);
            var memory = HostMemoryPlan.Compute(plan.Options, served.Shape, served.KvBytesPerToken, served.WeightBytes,
                Limits(plan.LimitBytes));
            using var runner = (OnnxModelRunner)served.CreateRunner(memory.Cache);
            Assert.Equal(plan.CacheBytes, runner.CacheBytes);
            Assert.Equal(plan.SequenceBytes * sequences, runner.CacheBytes);
            Assert.Equal(sequences, plan.SequencesPerReplica);
            Assert.Equal((plan.StepBytes, plan.ReserveBytes), (memory.StepBytes, memory.ReserveBytes));
            Assert.InRange(memory.NeedBytes, 1, plan.LimitBytes);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Plan_OfSettingsAsVariables_ComesBackAsTheSameOptions()
    {
        var plan = SizingPlan.Compute(ShapeText.Measure(Llama1B, "int8", 0), Target(4096, 40, 4L << 30));

        Assert.Equal(
            ["Generator__ContextTokensMax=4096", "Generator__RunningSequencesMax=17", "Generator__KvCacheMegabytes=2176"],
            plan.Settings.Select(setting => $"{setting.Key}={setting.Value}"));
        Assert.Equal(3, plan.Replicas);
    }

    [Fact]
    public void Plan_WithinAMemory_TakesAsManySequencesAsTheGeneratorHolds()
    {
        var model = ShapeText.Measure(Llama1B, "int8", 0);
        var plan = SizingPlan.Compute(model, Target(4096, null, 4L << 30));

        var more = new GeneratorOptions
        {
            ContextTokensMax = 4096,
            RunningSequencesMax = plan.SequencesPerReplica + 1,
            KvCacheMegabytes = (int)((plan.SequencesPerReplica + 1) * plan.SequenceBytes / Megabyte),
        };
        Assert.Throws<InvalidDataException>(
            () => HostMemoryPlan.Compute(more, model.Shape, plan.TokenBytes, model.WeightBytes, Limits(4L << 30)));
        Assert.InRange(
            HostMemoryPlan.Compute(plan.Options, model.Shape, plan.TokenBytes, model.WeightBytes, Limits(4L << 30)).NeedBytes, 1, 4L << 30);
    }

    [Fact]
    public void Plan_ForAGpu_IsSharedOutAsTheGeneratorDoes()
    {
        var model = ShapeText.Measure(Llama1B, "bf16", 0);
        var plan = SizingPlan.Compute(model, Target(8192, null, 80L << 30));

        var shared = CudaServing.Share(
            80L << 30, model.WeightBytes, CudaServing.Beside(model.Shape, model.Target!, plan.Options).Step, model.Shape, model.Target!,
            plan.Options);
        Assert.Equal(shared.CacheBytes, plan.CacheBytes);
        Assert.Equal(plan.SequencesPerReplica * 8192 / 256, shared.Cache.BlockCount);
        Assert.Equal("cuda", plan.Settings["Generator__Device"]);

        // Without an amount the plan says the least that does.
        var least = SizingPlan.Compute(model, Target(8192, 10));
        Assert.Equal((10 * least.SequenceBytes) + (256L * least.TokenBytes), least.CacheBytes);
        Assert.Throws<UserErrorException>(() => SizingPlan.Compute(model, Target(8192, 1, 3L << 30)));
    }

    [Fact]
    public void Plan_ThatDoesNotFit_SaysWhatWould()
    {
        var model = ShapeText.Measure(Llama1B, "int8", 0);
        var fault = Assert.Throws<UserErrorException>(() => SizingPlan.Compute(model, Target(4096, 4, 1L << 30)));

        var advised = long.Parse(fault.Message.Split("; ")[^1].Split(" MiB")[0].Replace(",", "", StringComparison.Ordinal));
        Assert.Equal(1, SizingPlan.Compute(model, Target(4096, 1, advised * Megabyte)).SequencesPerReplica);
        Assert.Throws<UserErrorException>(() => SizingPlan.Compute(model, Target(4096, 1, (advised - 2) * Megabyte)));
    }

    [Fact]
    public void Plan_OfAContextBeyondTheModels_IsRefused() => Assert.Contains(
        "--context is 200000",
        Assert.Throws<UserErrorException>(() => SizingPlan.Compute(ShapeText.Measure(Llama1B, "int8", 8192), Target(200_000))).Message);

    [Theory]
    [InlineData(1, 2.5, 4)]
    [InlineData(0.1, 0.25, 1)]
    [InlineData(0.28, 0.7, 1)]
    [InlineData(0.281, 0.7025, 2)]
    public void Load_OfARate_TakesItsShareOfEveryReplica(double rate, double busy, int replicas)
    {
        // 500 / 1000 s of prompt and 200 / 100 s of answer.
        var load = new RequestLoad(rate, 500, 200, 100, 1000, 0.7);

        Assert.Equal(busy, rate * load.BusySeconds, 6);
        Assert.Equal(replicas, load.Replicas);
        Assert.Equal(0.5 + (200 * 16 / 100.0), load.RequestSeconds(16), 6);
    }

    [Theory]
    [InlineData("16Gi", 16L << 30)]
    [InlineData("512Mi", 512L << 20)]
    [InlineData("1.5Gi", 3L << 29)]
    [InlineData("2G", 2_000_000_000)]
    [InlineData("1048576", 1L << 20)]
    public void ByteSize_AsKubernetesWritesIt_IsRead(string text, long bytes) => Assert.Equal(bytes, ByteSize.Parse(text, "--memory"));

    [Theory]
    [InlineData("")]
    [InlineData("Gi")]
    [InlineData("16GB")]
    [InlineData("-1Gi")]
    [InlineData("0")]
    [InlineData("9999999Ti")]
    public void ByteSize_ThatIsNone_IsNamed(string text) =>
        Assert.Contains($"--memory is '{text}'", Assert.Throws<UserErrorException>(() => ByteSize.Parse(text, "--memory")).Message);

    [Theory]
    [InlineData("layers=16", "hidden, intermediate, heads, vocabulary, context is missing")]
    [InlineData("layers=16,depth=3", "'depth=3' is none of")]
    [InlineData("layers=0", "'layers=0' is none of")]
    [InlineData("layers", "'layers' is no NAME=NUMBER")]
    [InlineData("layers=2,hidden=64,intermediate=64,heads=4,kv-heads=3,vocabulary=100,context=64", "num_key_value_heads")]
    public void Shape_ThatIsNone_IsNamed(string text, string named)
    {
        var message = Assert.Throws<UserErrorException>(() => ShapeText.Measure(text, null, 0)).Message;
        Assert.StartsWith("--shape: ", message);
        Assert.Contains(named, message);
        Assert.DoesNotContain("parley-shape", message);
    }

    private static ProcessLimits Limits(long bytes) => new(1, 1, ControlGroupLimits.None, bytes, null);
}
