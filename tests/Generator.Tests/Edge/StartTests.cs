using Microsoft.Extensions.Options;
using Parley.Generator.Machine;
using Parley.Generator.Tests.Doubles;

namespace Parley.Generator.Tests.Edge;

/// <summary>What the service says and refuses at its start.</summary>
public sealed class StartTests
{
    private static ProcessLimits Limits(long megabytes) =>
        new(2, 2, ControlGroupLimits.None with { MemoryBytes = megabytes << 20, MemoryFile = "/sys/fs/cgroup/memory.max" }, 1L << 40, null);

    [Fact]
    public async Task Start_OfAModel_SaysInOneLineOnWhat()
    {
        await using var app = await GeneratorApp.StartAsync(
            limits: Limits(4096),
            open: () => GeneratorApp.Model(new ScriptedModelRunner()) with
            {
                Runtime = "ONNX Runtime 1.0 on the CPU, AVX-512, 2 threads",
                WeightBytes = 100 << 20,
                Importer = "7",
            });

        var line = Assert.Single(app.Log.Entries, line => line.Contains("Starting on", StringComparison.Ordinal));
        Assert.StartsWith("Information", line);
        Assert.Contains("ONNX Runtime 1.0 on the CPU, AVX-512, 2 threads; memory 4096 MB (/sys/fs/cgroup/memory.max)", line);
        Assert.Contains("weights 100 MB and KV cache ", line);
        Assert.Contains("package scripted (fp32, importer 7) in memory", line);
        Assert.DoesNotContain('\n', line);
    }

    [Fact]
    public async Task Start_OfAModelThatDoesNotFit_IsRefusedBeforeThePortOpens()
    {
        var fault = await Assert.ThrowsAsync<InvalidDataException>(() => GeneratorApp.StartAsync(
            limits: Limits(512),
            open: () => GeneratorApp.Model(new ScriptedModelRunner()) with { WeightBytes = 600 << 20 }));

        Assert.Contains("512 MB (/sys/fs/cgroup/memory.max)", fault.Message);
        Assert.Contains("weights 600 MB", fault.Message);
    }

    [Theory]
    [InlineData("Generator:Pakage", "x", "Generator:Pakage is no setting of Parley; the nearest are Generator:PackageDirectory")]
    [InlineData("Generator:Cuda:DeviceID_", "1", "the nearest are Generator:Cuda:DeviceId")]
    [InlineData("Generator:Threads:Count", "1", "Generator:Threads:Count is no setting of Parley; Generator:Threads is one value.")]
    [InlineData("Genrator:Threads", "1", "Genrator is no section of Parley; the nearest is Generator.")]
    [InlineData("Generator:Threads", "1025", "Generator:Threads is 1,025; it goes from 0 to 1,024.")]
    [InlineData("Generator:Threads", "many", "Generator:Threads is 'many'; it goes from 0 to 1,024.")]
    [InlineData("Generator:Device", "tpu", "Generator:Device is 'tpu'; it is one of cpu, cuda.")]
    [InlineData("Generator:KvCachePrecision", "Fp8", "Generator:KvCachePrecision is 'Fp8'; it is one of Fp32, Fp16, Int8.")]
    [InlineData("Generator:FreeDrafts", "perhaps", "Generator:FreeDrafts is 'perhaps'; it is true or false.")]
    [InlineData("Generator:Cuda:MemoryFraction", "2", "Generator:Cuda:MemoryFraction is 2; it goes from 0.05 to 1.")]
    public async Task Start_WithASettingThatIsWrong_NamesItAndWhatIsAllowed(string key, string value, string expected)
    {
        var fault = await Assert.ThrowsAsync<OptionsValidationException>(() => GeneratorApp.StartAsync(settings: (key, value)));

        Assert.Contains(expected, fault.Message);
    }

    [Theory]
    [InlineData("GENERATOR_PORT", "tcp://10.0.0.1:5083")]
    [InlineData("GENERATOR_SERVICE_HOST", "10.0.0.1")]
    [InlineData("GENERATOR_PORT_5083_TCP_ADDR", "10.0.0.1")]
    [InlineData("Generators:Pakage", "x")]
    [InlineData("generator:threads", "2")]
    public async Task Start_WithWhatIsNotOursOrOnlySpeltOtherwise_Goes(string key, string value)
    {
        await using var app = await GeneratorApp.StartAsync(settings: (key, value));

        app.Log.AssertNoErrors();
    }
}
