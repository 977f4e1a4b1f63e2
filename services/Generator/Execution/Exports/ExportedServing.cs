using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Model;
using Parley.PackageFormat;

namespace Parley.Generator.Execution.Exports;

/// <summary>Loads packages whose graphs others have written.</summary>
internal static class ExportedServing
{
    /// <summary>Loads a package's graph and makes all buffers.</summary>
    /// <param name="package">A package with an export.</param>
    /// <param name="options">Sizes; a block is a slot.</param>
    /// <exception cref="InvalidDataException">The graph cannot be loaded or does not fit the manifest.</exception>
    public static IModelRunner CreateRunner(ModelPackage package, RunnerOptions options)
    {
        var (graph, shape, path) = (package.Manifest.Export!, package.Shape, package.ModelPath);
        ExportedContract.Check(package.Manifest, graph, Path.Combine(package.Folder, ModelManifest.FileName));
        using var sessionOptions = SessionFactory.CreateOptions(options.Threads, options.SpinMicroseconds);
        InferenceSession session;
        try
        {
            session = new InferenceSession(path, sessionOptions);
        }
        catch (OnnxRuntimeException exception)
        {
            throw new InvalidDataException($"{path}: {exception.Message}", exception);
        }

        try
        {
            ExportedContract.Verify(session, shape, graph, path);
            return graph.Caches == ExportedGraph.Shared
                ? new SharedCacheRunner(session, shape, graph, options)
                : new GrowingCacheRunner(session, shape, graph, options);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }
}
