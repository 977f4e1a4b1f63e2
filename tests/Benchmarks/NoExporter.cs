using OpenTelemetry;

namespace Parley.Benchmarks;

/// <summary>Takes what it is given and forgets it.</summary>
internal sealed class NoExporter<T> : BaseExporter<T>
    where T : class
{
    public override ExportResult Export(in Batch<T> batch) => ExportResult.Success;
}
