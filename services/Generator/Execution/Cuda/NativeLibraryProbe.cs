using System.Diagnostics;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Text;

namespace Parley.Generator.Execution.Cuda;

/// <summary>Looks for libraries in folders that the options name, then as the system's loader does.</summary>
/// <param name="folders">Folders of <see cref="CudaOptions.LibraryPath"/>.</param>
internal sealed unsafe class NativeLibraryProbe(IReadOnlyList<string> folders) : ILibraryProbe
{
    private const int WindowBytes = 64 << 20;
    private readonly Dictionary<string, IntPtr> _loaded = new(StringComparer.Ordinal);

    public bool TryLoad(string name)
    {
        if (_loaded.ContainsKey(name))
            return true;
        foreach (var path in folders.Select(folder => Path.Combine(folder, name)).Where(File.Exists).Append(name))
        {
            // By its full path or not: what is loaded once under this name serves every library that needs it.
            if (NativeLibrary.TryLoad(path, out var handle))
            {
                _loaded.Add(name, handle);
                return true;
            }
        }

        return false;
    }

    public IntPtr Handle(string name) => _loaded[name];

    public Version? VersionOf(string name)
    {
        var handle = _loaded[name];
        var stem = name.Split('.')[0];
        var number = 0;
        switch (stem)
        {
            case "libcuda" when Ask(handle, "cuDriverGetVersion", out number):
            case "libcudart" when Ask(handle, "cudaRuntimeGetVersion", out number):
                return new Version(number / 1000, number % 1000 / 10);
            case "libcurand" when Ask(handle, "curandGetVersion", out number):
                return new Version(number / 1000, number % 1000 / 100);
            case "libcublasLt" when NativeLibrary.TryGetExport(handle, "cublasLtGetVersion", out var export):
                number = (int)((delegate* unmanaged<nuint>)export)();
                return new Version(number / 10_000, number % 10_000 / 100);
            case "libcudnn" when NativeLibrary.TryGetExport(handle, "cudnnGetVersion", out var export):
                number = (int)((delegate* unmanaged<nuint>)export)();
                return new Version(number / 10_000, number % 10_000 / 100);
            case "libcublas" when NativeLibrary.TryGetExport(handle, "cublasGetProperty", out var export):
                int major = 0, minor = 0;
                var get = (delegate* unmanaged<int, int*, int>)export;
                return get(0, &major) == 0 && get(1, &minor) == 0 ? new Version(major, minor) : null;
            default:
                return null;
        }
    }

    public string? FindFile(string name) =>
        folders.Append(FolderOfOnnxRuntime()).Append(AppContext.BaseDirectory)
            .OfType<string>().Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    public bool Holds(string path, string text)
    {
        var pattern = Encoding.ASCII.GetBytes($"\0{text}\0");
        using var file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        var length = new FileInfo(path).Length;
        using var view = file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        try
        {
            for (long offset = 0; offset < length; offset += WindowBytes - pattern.Length)
            {
                var window = new ReadOnlySpan<byte>(start + offset, (int)Math.Min(WindowBytes, length - offset));
                if (window.IndexOf(pattern) >= 0)
                    return true;
            }

            return false;
        }
        finally
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
        }
    }

    private static bool Ask(IntPtr library, string function, out int number)
    {
        var value = 0;
        var asked = NativeLibrary.TryGetExport(library, function, out var export) && ((delegate* unmanaged<int*, int>)export)(&value) == 0;
        number = value;
        return asked;
    }

    /// <summary>ONNX Runtime looks for its providers beside its own library.</summary>
    private static string? FolderOfOnnxRuntime()
    {
        using var process = Process.GetCurrentProcess();
        foreach (ProcessModule module in process.Modules)
        {
            if (module.ModuleName.StartsWith("libonnxruntime.so", StringComparison.Ordinal))
                return Path.GetDirectoryName(module.FileName);
        }

        return null;
    }
}
