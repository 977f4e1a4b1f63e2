using System.Globalization;
using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution.Kernels;
using Parley.Generator.Machine;
using Parley.PackageFormat;
using SessionOptions = Microsoft.ML.OnnxRuntime.SessionOptions;

namespace Parley.Generator.Execution;

/// <summary>Sessions with the settings that were measured (docs: facts on ONNX Runtime's speed on the CPU).</summary>
internal static class SessionFactory
{
    /// <summary>Loads a model.</summary>
    /// <param name="modelPath">Path of <c>model.onnx</c>; its external data lies beside it.</param>
    /// <param name="threads">Threads of the session's one pool; 0 is one per physical core.</param>
    /// <param name="spinMicroseconds">How long an idle thread looks for work within a run before it sleeps; 0: not at all.</param>
    /// <param name="shape">The model's, for the cache inputs.</param>
    /// <param name="cachePrecision">What the cache inputs shall be, whatever the file says.</param>
    /// <param name="profilePrefix">Beginning of the path of a file with the time of each node; null: none is written.</param>
    /// <exception cref="InvalidDataException">ONNX Runtime refuses the model; the message names the file.</exception>
    public static InferenceSession Create(
        string modelPath, int threads, int spinMicroseconds, ModelShape shape, KvCachePrecision cachePrecision,
        string? profilePrefix = null)
    {
        using var options = CreateOptions(threads, spinMicroseconds);
        if (profilePrefix is not null)
        {
            options.ProfileOutputPathPrefix = profilePrefix;
            options.EnableProfiling = true;
        }

        try
        {
            if (cachePrecision == KvCachePrecision.Fp32)
                return new InferenceSession(modelPath, options);
            // From memory ONNX Runtime does not know where the weights lie.
            options.AddSessionConfigEntry(
                "session.model_external_initializers_file_folder_path", Path.GetDirectoryName(Path.GetFullPath(modelPath)));
            return new InferenceSession(CacheInputs.Retype(File.ReadAllBytes(modelPath), shape, cachePrecision), options);
        }
        catch (Exception exception) when (exception is OnnxRuntimeException or InvalidDataException)
        {
            throw new InvalidDataException($"{modelPath}: {exception.Message}", exception);
        }
    }

    public static SessionOptions CreateOptions(int threads, int spinMicroseconds)
    {
        var options = OnnxRuntimeSetup.CreateSessionOptions();
        options.IntraOpNumThreads = ThreadCount(threads);
        options.InterOpNumThreads = 1;
        options.ExecutionMode = ExecutionMode.ORT_SEQUENTIAL;
        options.GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL;
        options.EnableCpuMemArena = true;
        // Shapes differ from step to step, so a remembered pattern never fits.
        options.EnableMemoryPattern = false;
        options.LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING;
        options.AddSessionConfigEntry("session.intra_op.allow_spinning", spinMicroseconds > 0 ? "1" : "0");
        if (spinMicroseconds > 0)
        {
            options.AddSessionConfigEntry(
                "session.intra_op.spin_duration_us", spinMicroseconds.ToString(CultureInfo.InvariantCulture));
        }

        // Between two steps the cores belong to the services.
        options.AddSessionConfigEntry("session.force_spinning_stop", "1");
        options.AddSessionConfigEntry("session.disable_prepacking", "0");
        return options;
    }

    public static int ThreadCount(int threads) => threads > 0 ? threads : ProcessorTopology.PhysicalCores;
}
