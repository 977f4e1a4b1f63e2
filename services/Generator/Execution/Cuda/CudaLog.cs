namespace Parley.Generator.Execution.Cuda;

/// <summary>What the CUDA path says at start; ids 1910 to 1919.</summary>
internal static partial class CudaLog
{
    [LoggerMessage(1910, LogLevel.Information,
        "{Device}: {TotalMb} MB, {FreeMb} MB free; weights {WeightMb} MB, a step {StepMb} MB, buffers {BufferMb} MB, KV cache {CacheMb} MB "
        + "in {Blocks} blocks")]
    public static partial void Memory(
        ILogger logger, string device, long totalMb, long freeMb, long weightMb, long stepMb, long bufferMb, long cacheMb, int blocks);

    [LoggerMessage(1911, LogLevel.Information,
        "{Device}: attention differs from the CPU's by {Difference:0.0e+0}, rounding explains {Tolerance:0.0e+0}")]
    public static partial void SelfTest(ILogger logger, string device, double difference, double tolerance);
}
