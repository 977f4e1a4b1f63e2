using Microsoft.ML.OnnxRuntime;

namespace Parley.Generator.Execution.Runtime;

/// <summary>ONNX Runtime's one environment per process: made once, with its telemetry off and its log routed to ours.</summary>
internal static class OnnxRuntimeEnvironment
{
    /// <summary>Only this variable, in the native environment and before the first call, keeps the first event from being sent.</summary>
    public const string TelemetryVariable = "ORT_DISABLE_TELEMETRY";

    // Native code calls it as long as the process lives.
    private static readonly DOrtLoggingFunction LogFunction = Log;

    private static readonly Lazy<OrtEnv> Instance = new(Create);

    private static ILogger? _logger;

    /// <summary>Makes the environment unless it is there; safe from any thread.</summary>
    public static void EnsureCreated() => _ = Instance.Value;

    /// <summary>
    /// Sends what ONNX Runtime says from now on to a logger; without one it is dropped, since errors also come as exceptions.
    /// </summary>
    public static void RouteLogs(ILogger logger) => Volatile.Write(ref _logger, logger);

    private static OrtEnv Create()
    {
        NativeEnvironment.Set(TelemetryVariable, "1");
        if (OrtEnv.IsCreated)
            return OrtEnv.Instance();
        var options = new EnvironmentCreationOptions
        {
            logId = "parley",
            logLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING,
            loggingFunction = LogFunction,
        };
        return OrtEnv.CreateInstanceWithOptions(ref options);
    }

    private static void Log(IntPtr parameter, OrtLoggingLevel severity, string category, string logId, string location, string message)
    {
        if (Volatile.Read(ref _logger) is not { } logger)
            return;
        try
        {
            // A failed node is also thrown by the run and reported there, so it is not an error of its own here.
            if (severity >= OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING)
                OnnxRuntimeLog.Warning(logger, category, location, message);
            else
                OnnxRuntimeLog.Detail(logger, category, location, message);
        }
        catch (Exception exception) when (exception is ObjectDisposedException or AggregateException)
        {
            // A logger that is gone must not take the native caller down.
            Volatile.Write(ref _logger, null);
        }
    }
}
