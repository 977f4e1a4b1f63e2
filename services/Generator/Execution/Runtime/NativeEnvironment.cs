using System.Runtime.InteropServices;

namespace Parley.Generator.Execution.Runtime;

/// <summary>
/// The environment variables that native code sees. On Linux and macOS <see cref="Environment.SetEnvironmentVariable(string, string)"/>
/// changes a managed copy only; on Windows the C runtime has a copy of its own.
/// </summary>
internal static partial class NativeEnvironment
{
    public static void Set(string name, string value)
    {
        Environment.SetEnvironmentVariable(name, value);
        var error = OperatingSystem.IsWindows() ? PutWindows(name, value) : SetUnix(name, value, overwrite: 1);
        if (error != 0)
            throw new InvalidOperationException($"The native environment variable {name} could not be set.");
    }

    public static string? Get(string name) =>
        Marshal.PtrToStringUTF8(OperatingSystem.IsWindows() ? GetWindows(name) : GetUnix(name));

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetUnix(string name, string value, int overwrite);

    [LibraryImport("libc", EntryPoint = "getenv", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial IntPtr GetUnix(string name);

    [LibraryImport("ucrtbase", EntryPoint = "_putenv_s", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial int PutWindows(string name, string value);

    [LibraryImport("ucrtbase", EntryPoint = "getenv", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial IntPtr GetWindows(string name);
}
