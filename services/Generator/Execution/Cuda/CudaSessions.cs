using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution.Runtime;
using SessionOptions = Microsoft.ML.OnnxRuntime.SessionOptions;

namespace Parley.Generator.Execution.Cuda;

/// <summary>Sessions on a GPU: through the provider of ONNX Runtime's own CUDA build, or through a plug-in library.</summary>
internal static class CudaSessions
{
    private const string PluginName = "parley-cuda-plugin";
    private const string VersionKey = "version";

    private static readonly Lock Registration = new();
    private static IReadOnlyList<OrtEpDevice>? _pluginDevices;

    /// <summary>Options of a session on the device. The caller disposes them.</summary>
    /// <param name="options">The device.</param>
    /// <param name="memory">Its memory and stream.</param>
    /// <param name="arenaBytes">Most of the device's memory that the session may take.</param>
    /// <exception cref="InvalidDataException">The provider cannot be had; the message says why.</exception>
    public static SessionOptions CreateOptions(CudaOptions options, CudaMemory memory, long arenaBytes)
    {
        OnnxRuntimeEnvironment.EnsureCreated();
        var session = new SessionOptions
        {
            ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
            EnableMemoryPattern = false,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING,
        };
        try
        {
            foreach (var (key, value) in CudaProviderOptions.SessionEntries)
                session.AddSessionConfigEntry(key, value);
            var settings = CudaProviderOptions.Create(options, arenaBytes);
            if (options.PluginLibrary.Length > 0)
                session.AppendExecutionProvider(OrtEnv.Instance(), PluginDevices(options), settings);
            else
                AppendProvider(session, settings, memory.Stream);
            return session;
        }
        catch (OnnxRuntimeException exception)
        {
            session.Dispose();
            throw new InvalidDataException($"ONNX Runtime's CUDA provider does not start: {exception.Message}", exception);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Loads a model.</summary>
    /// <param name="modelPath">Path of <c>model.onnx</c>.</param>
    /// <param name="options">As <see cref="CreateOptions"/>; not disposed.</param>
    /// <exception cref="InvalidDataException">ONNX Runtime refuses the model; the message names the file and the way out.</exception>
    public static InferenceSession Create(string modelPath, SessionOptions options)
    {
        try
        {
            return new InferenceSession(modelPath, options);
        }
        catch (OnnxRuntimeException exception)
        {
            throw new InvalidDataException($"{modelPath}: {exception.Message}", exception);
        }
    }

    private static void AppendProvider(SessionOptions session, Dictionary<string, string> settings, IntPtr stream)
    {
        using var provider = new OrtCUDAProviderOptions();
        provider.UpdateOptions(settings);
        CudaProviderApi.SetStream(provider, stream);
        session.AppendExecutionProvider_CUDA(provider);
    }

    private static List<OrtEpDevice> PluginDevices(CudaOptions options)
    {
        lock (Registration)
        {
            if (_pluginDevices is null)
            {
                var environment = OrtEnv.Instance();
                var before = environment.GetEpDevices().Count;
                environment.RegisterExecutionProviderLibrary(PluginName, Path.GetFullPath(options.PluginLibrary));
                _pluginDevices = [.. environment.GetEpDevices().Skip(before)];
            }

            if (options.DeviceId >= _pluginDevices.Count)
            {
                throw new InvalidDataException(
                    $"{options.PluginLibrary} offers {_pluginDevices.Count} devices; Generator:Cuda:DeviceId is {options.DeviceId}.");
            }

            var device = _pluginDevices[options.DeviceId];
            device.EpMetadata.Entries.TryGetValue(VersionKey, out var version);
            if (version != options.PluginVersion)
            {
                throw new InvalidDataException(
                    $"{options.PluginLibrary} ({device.EpName}): version wanted {options.PluginVersion} (Generator:Cuda:PluginVersion), "
                    + $"found {version ?? "none"}. The operators' schemas carry no version, so only a known pair is safe.");
            }

            return [device];
        }
    }
}
