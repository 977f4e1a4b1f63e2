namespace Parley.Generator.Execution.Runtime;

/// <summary>What ONNX Runtime itself reports.</summary>
internal static partial class OnnxRuntimeLog
{
    [LoggerMessage(1900, LogLevel.Warning, "ONNX Runtime, {Category} at {Location}: {Message}")]
    public static partial void Warning(ILogger logger, string category, string location, string message);

    [LoggerMessage(1901, LogLevel.Debug, "ONNX Runtime, {Category} at {Location}: {Message}")]
    public static partial void Detail(ILogger logger, string category, string location, string message);
}
