using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Runtime;
using Parley.TestSupport;

namespace Parley.Generator.Tests.Execution;

/// <summary>What is set once per process.</summary>
public sealed class OnnxRuntimeEnvironmentTests
{
    [Fact]
    public void Telemetry_AfterSetup_IsOffInTheNativeEnvironment()
    {
        OnnxRuntimeEnvironment.EnsureCreated();

        Assert.Equal("1", NativeEnvironment.Get(OnnxRuntimeEnvironment.TelemetryVariable));
    }

    [Fact]
    public void RouteLogs_AfterARefusedModel_CarryWhatOnnxRuntimeSays()
    {
        using var guard = new LogGuard();
        OnnxRuntimeEnvironment.RouteLogs(guard.CreateLogger("onnx"));
        using var options = SessionFactory.CreateOptions(threads: 1, spinMicroseconds: 0);
        using var session = new InferenceSession(TinyModel.BuildAttention(), options);
        using var value = OrtValue.CreateTensorValueFromMemory(new float[1], [1, 1]);
        using var integers = OrtValue.CreateTensorValueFromMemory(new[] { 0 }, [1]);
        using var table = OrtValue.CreateTensorValueFromMemory(new[] { 0 }, [1, 1]);
        using var cache = OrtValue.CreateTensorValueFromMemory(new float[16 * 2 * 16], [1, 16, 2, 16]);
        using var run = new RunOptions();

        Assert.Throws<OnnxRuntimeException>(() => session.Run(
            run,
            ["qkv", "key_cache.0", "value_cache.0", GraphContract.CumulativeLengths, GraphContract.PastLengths, GraphContract.BlockTable],
            [value, cache, cache, integers, integers, table],
            ["y"]).Dispose());

        Assert.Contains(guard.Entries, entry => entry.Contains("PagedAttention", StringComparison.Ordinal));
        guard.AssertNoErrors();
    }
}
